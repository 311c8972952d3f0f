#include "transforms/worker/sandbox.h"

#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "transforms/worker/protocol.h"

namespace selvage::transforms::worker {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

constexpr rlim_t kDescriptors = 16;  // in use: 0…3, /proc/self/statm, source, output

// A decoded photograph is a few blocks of megabytes. Kept in the process they need no page faults the next time: −17…−32 % for
// progressive JPEG; two arenas instead of sixteen halve the resident size (image-engine §2.3, §2.7).
constexpr int kArenas = 2;
constexpr int kMmapThreshold = 32 << 20;  // the most that glibc takes
constexpr int kTrimThreshold = 256 << 20;

Result<void> limit(int resource, const char* name, rlim_t most) {
    const rlimit bounds{.rlim_cur = most, .rlim_max = most};
    if (::setrlimit(static_cast<__rlimit_resource>(resource), &bounds) == 0) return {};
    return fail(ErrorKind::Internal, std::string(name) + ": " + std::strerror(errno), "sandbox");
}

Result<void> process_control(int option, unsigned long value, const char* name) {
    if (::prctl(option, value, 0UL, 0UL, 0UL) == 0) return {};
    return fail(ErrorKind::Internal, std::string(name) + ": " + std::strerror(errno), "sandbox");
}

}  // namespace

void leave_the_world() {
    // If the server died before this line, its end of the socket is closed, which ends us too.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Ctrl-C and a service manager signal the whole group; while the server drains it still needs us.
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGTERM, SIG_IGN);
    ::clearenv();
    [[maybe_unused]] const int moved = ::chdir("/");
    ::close_range(kSocket + 1, ~0U, 0);
    ::mallopt(M_ARENA_MAX, kArenas);
    ::mallopt(M_MMAP_THRESHOLD, kMmapThreshold);
    ::mallopt(M_TRIM_THRESHOLD, kTrimThreshold);
}

Result<void> install_sandbox(std::uint64_t memory) {
    TRY(limit(RLIMIT_CORE, "RLIMIT_CORE", 0));
    TRY(limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", kDescriptors));
    TRY(process_control(PR_SET_NO_NEW_PRIVS, 1, "PR_SET_NO_NEW_PRIVS"));
    if constexpr (!kSanitized) {
        TRY(limit(RLIMIT_AS, "RLIMIT_AS", memory));
        TRY(process_control(PR_SET_DUMPABLE, 0, "PR_SET_DUMPABLE"));  // leak checking attaches to itself
    }
    return {};
}

std::uint64_t cpu_used() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto microseconds = [](const timeval& time) {
        return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
    };
    return microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
}

void limit_cpu(std::uint32_t seconds) {
    rlimit bounds{};
    ::getrlimit(RLIMIT_CPU, &bounds);
    // Only the soft limit: it has to rise again with the next job.
    bounds.rlim_cur = cpu_used() / 1'000'000 + 1 + seconds;
    ::setrlimit(RLIMIT_CPU, &bounds);
}

}  // namespace selvage::transforms::worker
