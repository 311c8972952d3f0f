#include "transforms/worker/sandbox_landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/file_descriptor.h"

namespace selvage::transforms::worker {
namespace {

// struct landlock_ruleset_attr as of version 6; the kernel takes the size that its version knows. Debian 12's header has less.
struct Ruleset {
    std::uint64_t file_accesses;
    std::uint64_t network_accesses;
    std::uint64_t scopes;
};

constexpr std::uint64_t all_below(unsigned bits) { return (std::uint64_t{1} << bits) - 1; }

// LANDLOCK_ACCESS_FS_*: EXECUTE to MAKE_SYM, then REFER (2), TRUNCATE (3), IOCTL_DEV (5).
constexpr std::uint64_t file_accesses(int version) {
    if (version >= 5) return all_below(16);
    if (version >= 3) return all_below(15);
    return all_below(version == 2 ? 14 : 13);
}

// LANDLOCK_ACCESS_NET_BIND_TCP, CONNECT_TCP; LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET, SIGNAL.
constexpr Ruleset everything(int version) {
    return {.file_accesses = file_accesses(version),
            .network_accesses = version >= 4 ? all_below(2) : 0,
            .scopes = version >= 6 ? all_below(2) : 0};
}

constexpr std::size_t size_for(int version) { return (version >= 6 ? 3 : version >= 4 ? 2 : 1) * sizeof(std::uint64_t); }

std::unexpected<Error> system_failure(const char* what) {
    return fail(ErrorKind::Internal, std::string(what) + ": " + std::strerror(errno), "sandbox");
}

}  // namespace

Result<int> forbid_all_paths() {
    const auto version =
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, nullptr, std::size_t{0}, LANDLOCK_CREATE_RULESET_VERSION));
    if (version < 1) return 0;
    // Everything is handled and no rule allows anything.
    const Ruleset ruleset = everything(version);
    const FileDescriptor rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &ruleset, size_for(version), 0U)));
    if (!rules) return system_failure("landlock_create_ruleset");
    if (::syscall(SYS_landlock_restrict_self, rules.number(), 0U) != 0) return system_failure("landlock_restrict_self");
    return version;
}

}  // namespace selvage::transforms::worker
