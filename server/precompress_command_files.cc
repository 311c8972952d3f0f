#include "server/precompress_command_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <utility>

#include "server/catalogue/sidecars.h"
#include "server/transform_command_files.h"

namespace selvage::server {

namespace fs = std::filesystem;

namespace {

constexpr const char* kMark = "user.selvage.sidecar";

bool is_sidecar(const std::string& file) {
    std::error_code error;
    const auto base = catalogue::base_of_sidecar(file);
    return base && fs::is_regular_file(std::string(*base), error);
}

bool is_hidden(const fs::path& path) {
    const std::string name = path.filename().string();
    return name.starts_with('.') && name != ".well-known";
}

bool is_ours(const std::string& file) { return ::getxattr(file.c_str(), kMark, nullptr, 0) >= 0; }

// A file system without extended attributes forgets whose it is: it is then kept, like any other's.
void mark(const std::string& file) { static_cast<void>(::setxattr(file.c_str(), kMark, "1", 1, 0)); }

Result<void> take_time_of(const std::string& base, const std::string& file) {
    struct stat status{};
    if (::stat(base.c_str(), &status) != 0) return fail(ErrorKind::Internal, std::strerror(errno));
    const timespec times[2] = {status.st_atim, status.st_mtim};
    if (::utimensat(AT_FDCWD, file.c_str(), times, 0) != 0) return fail(ErrorKind::Internal, std::strerror(errno));
    return {};
}

}  // namespace

Result<std::vector<ServedFile>> served_files(const std::string& root) {
    std::error_code error;
    fs::recursive_directory_iterator each(root, fs::directory_options::skip_permission_denied, error);
    if (error) return fail(ErrorKind::NotFound, fmt::format("{}: {}", root, error.message()));
    std::vector<ServedFile> files;
    for (const fs::recursive_directory_iterator end; each != end; each.increment(error)) {
        if (error) return fail(ErrorKind::NotFound, fmt::format("{}: {}", root, error.message()));
        if (is_hidden(each->path())) {
            each.disable_recursion_pending();
            continue;
        }
        std::error_code of_file;
        if (!each->is_regular_file(of_file) || is_sidecar(each->path().string())) continue;
        const auto size = each->file_size(of_file);
        if (of_file) continue;  // gone meanwhile
        files.push_back({.path = "/" + each->path().lexically_relative(root).generic_string(), .size = size});
    }
    std::ranges::sort(files, [](const ServedFile& left, const ServedFile& right) {
        return left.size != right.size ? left.size > right.size : left.path < right.path;
    });
    return files;
}

Result<void> write_sidecar(const std::string& root, const catalogue::Source& source, transforms::Coding coding,
                           std::string_view coded, Others others) {
    const std::string base = root + source.path;
    const std::string file = base + std::string(transforms::row_of(coding).extension);
    const bool may_replace = others == Others::Replace || is_ours(file);
    TRY(write_whole(file, coded, may_replace ? Existing::Replace : Existing::Keep));
    mark(file);
    return take_time_of(base, file);
}

}  // namespace selvage::server
