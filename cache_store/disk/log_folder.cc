#include "cache_store/disk/log_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

namespace selvage::cache_store {
namespace {

// Objects may be made from what only some clients may see; nobody else on the machine needs them.
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr const char* kLogName = "log-1";
constexpr std::string_view kSegmentPrefix = "segment.";

std::unexpected<Error> system_failure(std::string_view what) {
    const int code = errno;
    return fail(ErrorKind::Internal, fmt::format("{}: {}", what, std::generic_category().message(code)));
}

Result<FileDescriptor> open_or_make(int parent, const char* name) {
    if (::mkdirat(parent, name, kFolderMode) != 0 && errno != EEXIST)
        return system_failure(fmt::format("cannot create {}", name));
    FileDescriptor made(::openat(parent, name, kFolderFlags | O_NOFOLLOW));
    if (!made) return system_failure(fmt::format("cannot open {}", name));
    return made;
}

std::optional<std::uint32_t> segment_number(std::string_view name) {
    if (!name.starts_with(kSegmentPrefix)) return std::nullopt;
    name.remove_prefix(kSegmentPrefix.size());
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    return number;
}

void note(std::string_view name, LogNames& names) {
    if (name == "." || name == "..") return;
    if (const auto number = segment_number(name); number && segment_name(*number) == name) {
        names.segments.push_back(*number);
    } else if (name.starts_with("superblock.")) {
        names.superblocks = true;
    } else if (name.starts_with("purge")) {
        names.journals.emplace_back(name);
    } else {
        names.others.emplace_back(name);
    }
}

}  // namespace

Result<FileDescriptor> take_lock(int objects) {
    FileDescriptor lock(::openat(objects, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kFileMode));
    if (!lock) return system_failure("cannot open the lock file");
    if (::flock(lock.number(), LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno == EWOULDBLOCK) return fail(ErrorKind::Overloaded, "in use by another process");
    return system_failure("cannot lock");
}

Result<LogFolder> open_log_folder(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail(ErrorKind::Internal, fmt::format("cannot create the folder: {}", error.message()));
    const FileDescriptor top(::open(folder.c_str(), kFolderFlags));
    if (!top) return system_failure("cannot open the folder");
    auto objects = TRY(open_or_make(top.number(), "objects"));
    auto lock = TRY(take_lock(objects.number()));
    auto log = TRY(open_or_make(objects.number(), kLogName));
    return LogFolder{.objects = std::move(objects), .lock = std::move(lock), .log = std::move(log)};
}

Result<std::string> keep_aside(LogFolder& folder, FileSystem& files) {
    for (int number = 1; number < 1000; ++number) {
        auto name = fmt::format("{}.kept-{}", kLogName, number);
        if (::faccessat(folder.objects.number(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) continue;
        if (files.renameat(folder.objects.number(), kLogName, name.c_str()) != 0) return system_failure("cannot rename the log");
        folder.log = TRY(open_or_make(folder.objects.number(), kLogName));
        return name;
    }
    return fail(ErrorKind::Internal, "too many logs were kept aside");
}

void remove_first_version(const std::string& folder, Log& log) {
    std::error_code error;
    const auto removed = std::filesystem::remove_all(std::filesystem::path(folder) / "objects" / "v1", error);
    if (error) log.warn("cache", "{}: cannot remove objects/v1: {}", folder, error.message());
    if (!error && removed > 0) log.info("cache", "{}: {} files of a development version removed", folder, removed);
}

Result<LogNames> list_log(int log) {
    FileDescriptor folder(::openat(log, ".", kFolderFlags));
    if (!folder) return system_failure("cannot open the log's folder");
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(folder.number()), &::closedir);
    if (!stream) return system_failure("cannot list the log's folder");
    folder.release();  // the stream closes it
    LogNames names;
    for (;;) {
        errno = 0;
        const dirent* const entry = ::readdir(stream.get());
        if (entry == nullptr) break;
        note(entry->d_name, names);
    }
    if (errno != 0) return system_failure("cannot list the log's folder");
    return names;
}

std::string segment_name(std::uint32_t number) { return fmt::format("{}{:05}", kSegmentPrefix, number); }

std::uint64_t bytes_beside_segments(int log) {
    const auto names = list_log(log);
    if (!names) return 0;
    std::uint64_t sum = 0;
    const auto add = [&](const char* name) {
        struct stat status{};
        if (::fstatat(log, name, &status, AT_SYMLINK_NOFOLLOW) == 0) sum += static_cast<std::uint64_t>(status.st_blocks) * 512;
    };
    for (const char* const name : kSuperblockNames) add(name);
    for (const auto& name : names->journals) add(name.c_str());
    for (const auto& name : names->others) add(name.c_str());
    return sum;
}

LogFilePtr open_file(FileSystem& files, int folder, const std::string& name, int more_flags) {
    const int number = files.openat(folder, name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | more_flags, kFileMode);
    return number < 0 ? nullptr : std::make_shared<const LogFile>(files, number);
}

}  // namespace selvage::cache_store
