#include "cache_store/store_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <functional>
#include <memory>
#include <system_error>

namespace selvage::cache_store {
namespace {

// Objects may be made from what only some clients may see; nobody else on the machine needs them.
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

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

using NameVisitor = std::function<void(int folder, const char* name)>;

// Calls `visit` for every name in the folder, which is closed afterwards.
Result<void> for_each_name(FileDescriptor folder, const NameVisitor& visit) {
    const int number = folder.number();
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(number), &::closedir);
    if (!stream) return system_failure("cannot list");
    folder.release();  // the stream closes it
    for (;;) {
        errno = 0;
        const dirent* const entry = ::readdir(stream.get());
        if (entry == nullptr) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") visit(number, entry->d_name);
    }
    if (errno != 0) return system_failure("cannot list");
    return {};
}

Result<void> remove_temporaries(int objects, Inventory& found) {
    FileDescriptor folder(::openat(objects, ".", kFolderFlags));
    if (!folder) return system_failure("cannot open the folder of objects");
    return for_each_name(std::move(folder), [&](int parent, const char* name) {
        if (std::string_view(name).starts_with(kTemporaryPrefix) && ::unlinkat(parent, name, 0) == 0) ++found.leftovers;
    });
}

void note_object(int folder, std::string_view prefix, const char* name, Inventory& found) {
    const auto key = key_of_hex(name);
    struct stat status{};
    const bool ours = key && std::string_view(name).starts_with(prefix) &&
                      ::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
    if (!ours) {
        ++found.strangers;
        return;
    }
    const std::int64_t modified = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
    found.objects.push_back({.key = *key, .bytes = static_cast<std::uint64_t>(status.st_size), .modified = modified});
}

Result<void> list_subfolder(int objects, const std::string& prefix, Inventory& found) {
    FileDescriptor folder(::openat(objects, prefix.c_str(), kFolderFlags | O_NOFOLLOW));
    if (!folder && errno == ENOENT) return {};
    if (!folder) return system_failure(fmt::format("cannot open {}", prefix));
    return for_each_name(std::move(folder), [&](int parent, const char* name) { note_object(parent, prefix, name, found); });
}

std::optional<std::uint64_t> hex_number(std::string_view digits) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

}  // namespace

Result<FileDescriptor> take_lock(int store) {
    FileDescriptor lock(::openat(store, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kFileMode));
    if (!lock) return system_failure("cannot open the lock file");
    if (::flock(lock.number(), LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno == EWOULDBLOCK) return fail(ErrorKind::Overloaded, "in use by another process");
    return system_failure("cannot lock");
}

Result<StoreFolder> open_store_folder(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail(ErrorKind::Internal, fmt::format("cannot create the folder: {}", error.message()));
    FileDescriptor top(::open(folder.c_str(), kFolderFlags));
    if (!top) return system_failure("cannot open the folder");
    auto store = TRY(open_or_make(top.number(), "objects"));
    auto lock = TRY(take_lock(store.number()));
    auto objects = TRY(open_or_make(store.number(), "v1"));
    return StoreFolder{.store = std::move(store), .lock = std::move(lock), .objects = std::move(objects)};
}

Result<Inventory> take_inventory(int objects) {
    Inventory found;
    TRY(remove_temporaries(objects, found));
    for (int number = 0; number < 256; ++number) TRY(list_subfolder(objects, fmt::format("{:02x}", number), found));
    std::ranges::sort(found.objects, {}, &FoundObject::modified);
    return found;
}

std::string object_name(const Key128& key) {
    const auto digits = hex(key);
    return digits.substr(0, 2) + "/" + digits;
}

std::optional<Key128> key_of_hex(std::string_view digits) {
    if (digits.size() != 32 || digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
    const auto high = hex_number(digits.substr(0, 16));
    const auto low = hex_number(digits.substr(16));
    if (!high || !low) return std::nullopt;
    return Key128{.high = *high, .low = *low};
}

}  // namespace selvage::cache_store
