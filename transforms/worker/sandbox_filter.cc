#include "transforms/worker/sandbox_filter.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "transforms/worker/protocol.h"

namespace selvage::transforms::worker {
namespace {

// Found by tracing every format, in and out, with text and animation, and by what glibc does when it ends a process.
constexpr auto kAllowed = std::to_array<int>({
    // memory
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    // threads of our own: libvips', libaom's, dav1d's
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(gettid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    // descriptors that are open
    SCMP_SYS(read),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(close),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    // an output
    SCMP_SYS(memfd_create),
    SCMP_SYS(ftruncate),
    // time, chance, what was used
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),  // qsort() asks how much memory there is
    // signals to itself; a wait that SIGSTOP interrupted goes on by restart_syscall
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getpid),
});

struct Release {
    void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

std::unexpected<Error> filter_failure(const char* what, int code) {
    return fail(ErrorKind::Internal, std::string("seccomp ") + what + ": " + std::strerror(-code), "sandbox");
}

// A call is allowed when all the conditions on its arguments hold; several rules for one call are alternatives.
template <typename... Conditions>
Result<void> allow(const Filter& filter, int call, Conditions... conditions) {
    const int code = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, sizeof...(conditions), conditions...);
    if (code != 0) return filter_failure("rule", code);
    return {};
}

scmp_arg_cmp is(unsigned argument, scmp_datum_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp without(unsigned argument, scmp_datum_t bits) { return {argument, SCMP_CMP_MASKED_EQ, bits, 0}; }

// Memory is never executable that was not so before: no code is made at run time.
Result<void> allow_memory(const Filter& filter) {
    TRY(allow(filter, SCMP_SYS(mmap), without(2, PROT_EXEC)));
    return allow(filter, SCMP_SYS(mprotect), without(2, PROT_EXEC));
}

// clone3 has its flags in memory, where a filter cannot look: glibc falls back to clone, which may make threads only, with the
// flags of pthread_create().
Result<void> allow_threads(const Filter& filter) {
    constexpr scmp_datum_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                                     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    TRY(allow(filter, SCMP_SYS(clone), is(0, kThread)));
    const int code = ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (code != 0) return filter_failure("rule", code);
    return allow(filter, SCMP_SYS(prctl), is(0, PR_SET_NAME));
}

// Messages go over the one socket. fstat() is newfstatat() of an empty path; seals are all that fcntl() is for.
Result<void> allow_descriptors(const Filter& filter) {
    TRY(allow(filter, SCMP_SYS(sendmsg), is(0, kSocket)));
    TRY(allow(filter, SCMP_SYS(recvmsg), is(0, kSocket)));
    TRY(allow(filter, SCMP_SYS(newfstatat), is(3, AT_EMPTY_PATH)));
    TRY(allow(filter, SCMP_SYS(fcntl), is(1, F_ADD_SEALS)));
    return allow(filter, SCMP_SYS(fcntl), is(1, F_GET_SEALS));
}

// Reads its own limits, sets that of CPU time per job, and ends itself with abort().
Result<void> allow_about_itself(const Filter& filter) {
    TRY(allow(filter, SCMP_SYS(prlimit64), is(0, 0), is(2, 0)));
    TRY(allow(filter, SCMP_SYS(prlimit64), is(0, 0), is(1, RLIMIT_CPU)));
    return allow(filter, SCMP_SYS(tgkill), is(0, static_cast<scmp_datum_t>(::getpid())));
}

Result<void> set(const Filter& filter, scmp_filter_attr attribute, std::uint32_t value, const char* name) {
    const int code = ::seccomp_attr_set(filter.get(), attribute, value);
    if (code != 0) return filter_failure(name, code);
    return {};
}

}  // namespace

Result<void> allow_only_what_decoding_needs() {
    const Filter filter(::seccomp_init(SCMP_ACT_KILL_PROCESS));
    if (!filter) return filter_failure("init", -ENOMEM);
    TRY(set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS, "architecture"));  // 32-bit calls have other numbers
    TRY(set(filter, SCMP_FLTATR_CTL_TSYNC, 1, "threads"));
    TRY(set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2, "order"));  // a tree, not a list: about fifty calls
    for (const int call : kAllowed) TRY(allow(filter, call));
    TRY(allow_memory(filter));
    TRY(allow_threads(filter));
    TRY(allow_descriptors(filter));
    TRY(allow_about_itself(filter));
    const int code = ::seccomp_load(filter.get());
    if (code != 0) return filter_failure("load", code);
    return {};
}

}  // namespace selvage::transforms::worker
