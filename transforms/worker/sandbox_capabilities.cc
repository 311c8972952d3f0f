#include "transforms/worker/sandbox_capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace selvage::transforms::worker {
namespace {

std::unexpected<Error> system_failure(const char* what) {
    return fail(ErrorKind::Internal, std::string(what) + ": " + std::strerror(errno), "sandbox");
}

// The first number that the kernel does not know ends the list, so that it is right for later kernels too.
Result<void> empty_bounding_set() {
    for (unsigned long capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0UL, 0UL, 0UL) >= 0; ++capability) {
        if (::prctl(PR_CAPBSET_DROP, capability, 0UL, 0UL, 0UL) == 0) continue;
        if (errno == EPERM) return {};
        return system_failure("PR_CAPBSET_DROP");
    }
    return {};
}

}  // namespace

Result<void> drop_capabilities() {
    TRY(empty_bounding_set());
    // Kernels before 4.3 have no ambient capabilities to clear.
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL) != 0 && errno != EINVAL) {
        return system_failure("PR_CAP_AMBIENT");
    }
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
    if (::syscall(SYS_capset, &header, none) != 0) return system_failure("capset");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) return system_failure("PR_SET_NO_NEW_PRIVS");
    return {};
}

}  // namespace selvage::transforms::worker
