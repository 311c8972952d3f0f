#include "transforms/worker/sandbox_limits.h"

#include <signal.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "transforms/worker/protocol.h"

namespace selvage::transforms::worker {
namespace {

constexpr rlim_t kDescriptors = 16;  // in use: 0…4, /proc/self/statm, source, output

Result<void> limit(int resource, const char* name, rlim_t most) {
    const rlimit bounds{.rlim_cur = most, .rlim_max = most};
    if (::setrlimit(static_cast<__rlimit_resource>(resource), &bounds) == 0) return {};
    return fail(ErrorKind::Internal, std::string(name) + ": " + std::strerror(errno), "sandbox");
}

}  // namespace

Result<void> limit_resources(std::uint64_t memory) {
    ::signal(SIGXFSZ, SIG_IGN);  // the write fails, and so does that order alone
    TRY(limit(RLIMIT_CORE, "RLIMIT_CORE", 0));
    TRY(limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", kDescriptors));
    TRY(limit(RLIMIT_FSIZE, "RLIMIT_FSIZE", kMostOutput));
    if constexpr (!kSanitized) TRY(limit(RLIMIT_AS, "RLIMIT_AS", memory));
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
