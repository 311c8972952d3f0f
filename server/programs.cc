#include "server/programs.h"

#include <sys/auxv.h>

#include <filesystem>
#include <system_error>

namespace selvage::server {

namespace {

std::filesystem::path own_program() {
    std::error_code error;
    std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (!error) return self;
    // No /proc, as in a bare chroot: what was executed, as the kernel was told.
    const auto* executed = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
    return executed ? std::filesystem::absolute(executed, error) : std::filesystem::path();
}

}  // namespace

std::string program_as_started() {
    const auto* executed = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
    std::error_code error;
    if (executed && std::filesystem::equivalent(executed, "/proc/self/exe", error)) {
        return std::filesystem::absolute(executed, error).string();
    }
    return own_program().string();
}

std::string worker_program() { return (own_program().parent_path() / "selvage-transform").string(); }

}  // namespace selvage::server
