#include "transforms/worker/sandbox.h"

#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>

#include "transforms/worker/protocol.h"
#include "transforms/worker/sandbox_capabilities.h"
#include "transforms/worker/sandbox_filter.h"
#include "transforms/worker/sandbox_landlock.h"
#include "transforms/worker/sandbox_limits.h"

namespace selvage::transforms::worker {
namespace {

// A decoded photograph is a few blocks of megabytes. Kept in the process they need no page faults the next time: −17…−32 % for
// progressive JPEG; two arenas instead of sixteen halve the resident size (image-engine §2.3, §2.7).
constexpr int kArenas = 2;
constexpr int kMmapThreshold = 32 << 20;  // the most that glibc takes
constexpr int kTrimThreshold = 256 << 20;

// A static file must not wait until a worker's time slice is over (a tick of the system, 4 ms). The server comes first whenever
// it wakes up; where others of its kind want the core too, a worker has a quarter of it, not nothing.
constexpr int kLessUrgent = 5;

// Capabilities and Landlock are of a thread, not of a process: a thread from before would keep what it has.
Result<void> check_alone() {
    std::error_code error;
    const std::filesystem::directory_iterator threads("/proc/self/task", error);
    if (error || std::distance(begin(threads), end(threads)) == 1) return {};
    return fail(ErrorKind::Internal, "there are other threads already", "sandbox");
}

Result<void> hide() {
    if (::prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) == 0) return {};
    return fail(ErrorKind::Internal, std::string("PR_SET_DUMPABLE: ") + std::strerror(errno), "sandbox");
}

}  // namespace

void leave_the_world() {
    // If the server died before this line, its end of the socket is closed, which ends us too.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Ctrl-C and a service manager signal the whole group; while the server drains it still needs us.
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGTERM, SIG_IGN);
    ::clearenv();
    [[maybe_unused]] const int less_urgent = ::nice(kLessUrgent);  // than the server, whatever it has
    ::setenv("TZ", "UTC0", 1);  // or libraries read /etc/localtime whenever they want to know the time
    ::tzset();
    [[maybe_unused]] const int moved = ::chdir("/");
    ::close_range(kSocket + 1, ~0U, 0);
    ::mallopt(M_ARENA_MAX, kArenas);
    ::mallopt(M_MMAP_THRESHOLD, kMmapThreshold);
    ::mallopt(M_TRIM_THRESHOLD, kTrimThreshold);
}

Result<void> install_sandbox(std::uint64_t memory) {
    TRY(limit_resources(memory));
    TRY(drop_capabilities());
    if constexpr (kSanitized) return {};
    TRY(check_alone());
    TRY(hide());
    [[maybe_unused]] const int level = TRY(forbid_all_paths());
    return allow_only_what_decoding_needs();
}

}  // namespace selvage::transforms::worker
