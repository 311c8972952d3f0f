#include "server/upgrade/pid_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

namespace selvage::upgrade {

Result<PidFile> PidFile::write(const std::string& path) {
    const auto failed = [&] { return fail(ErrorKind::Internal, fmt::format("pid file {}: {}", path, std::strerror(errno))); };
    const std::string temporary = fmt::format("{}.{}", path, ::getpid());
    std::ofstream file(temporary);
    file << ::getpid() << '\n';
    file.close();
    if (!file) return failed();
    if (std::rename(temporary.c_str(), path.c_str()) != 0) {
        const auto failure = failed();
        std::remove(temporary.c_str());
        return failure;
    }
    PidFile written;
    written.path_ = path;
    return written;
}

// Between the look and the removal a successor could write its own, if it were not waited for: it has written before we drain.
PidFile::~PidFile() {
    if (path_.empty()) return;
    if (const auto process = read(path_); process && *process == ::getpid()) std::remove(path_.c_str());
}

PidFile::PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}

PidFile& PidFile::operator=(PidFile&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
}

Result<int> PidFile::read(const std::string& path) {
    std::ifstream file(path);
    if (!file) return fail(ErrorKind::NotFound, fmt::format("pid file {}: {}", path, std::strerror(errno)));
    int process = 0;
    if (!(file >> process) || process <= 0) return fail(ErrorKind::BadRequest, fmt::format("pid file {} has no number", path));
    return process;
}

}  // namespace selvage::upgrade
