#include "server/releases/contents.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "server/releases/records.h"

namespace selvage::releases {
namespace {

constexpr std::int64_t kHour = 3'600, kMonth = 30 * 24 * kHour;
constexpr std::uint64_t kLargestShare = 8;  // of all that may be kept, for one file
constexpr std::uint64_t kBlock = 4096;      // what a small file takes on most file systems

std::uint64_t on_disk(std::uint64_t size) { return std::max(kBlock, (size + kBlock - 1) / kBlock * kBlock); }

std::int64_t seconds_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string name_of(const Sha256& content) {
    const std::string digits = hex(content);
    return digits.substr(0, 2) + "/" + digits;
}

struct Listed {
    std::string name;
    struct stat facts{};
};

std::vector<Listed> list_folder(int parent, const char* name) {
    std::vector<Listed> listed;
    FileDescriptor folder(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!folder) return listed;
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(folder.number()), &::closedir);
    if (!stream) return listed;
    const int number = folder.release();  // the stream closes it
    while (const dirent* entry = ::readdir(stream.get())) {
        Listed one{.name = entry->d_name};
        if (::fstatat(number, entry->d_name, &one.facts, AT_SYMLINK_NOFOLLOW) == 0) listed.push_back(std::move(one));
    }
    return listed;
}

// Lets the file system share blocks where it can. False: errno says why.
bool copy_bytes(int from, int to, std::uint64_t size) {
    off_t offset = 0;
    std::vector<char> buffer;
    while (static_cast<std::uint64_t>(offset) < size) {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size - static_cast<std::uint64_t>(offset), 1 << 20));
        if (buffer.empty()) {
            const ssize_t count = ::copy_file_range(from, &offset, to, nullptr, wanted, 0);
            if (count > 0 || (count < 0 && errno == EINTR)) continue;
            if (count < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO)) return false;
            buffer.resize(256 << 10);  // these two file systems do not copy between them
        }
        const ssize_t count = ::pread(from, buffer.data(), std::min(buffer.size(), wanted), offset);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        if (count == 0) return errno = ESTALE, false;  // shorter than it was
        for (ssize_t done = 0; done < count;) {
            const ssize_t written = ::write(to, buffer.data() + done, static_cast<std::size_t>(count - done));
            if (written < 0 && errno != EINTR) return false;
            done += std::max<ssize_t>(written, 0);
        }
        offset += count;
    }
    return true;
}

bool has_hash(int descriptor, std::uint64_t size, const Sha256& content) {
    Sha256Stream hash;
    std::vector<char> buffer(static_cast<std::size_t>(std::clamp<std::uint64_t>(size, 1, 256 << 10)));
    for (std::uint64_t offset = 0; offset < size;) {
        const ssize_t count = ::pread(descriptor, buffer.data(), buffer.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        hash.update({buffer.data(), static_cast<std::size_t>(count)});
        offset += static_cast<std::uint64_t>(count);
    }
    return hash.finish() == content;
}

}  // namespace

Contents::Contents(const std::string& cache_folder, std::uint64_t most_bytes, Log& log)
    : log_(log),
      path_((std::filesystem::path(cache_folder) / "contents").string()),
      open_files_(std::make_shared<origins::OpenFiles>(origins::OpenFiles::sensible_bound())),
      most_(most_bytes) {
    std::error_code error;
    std::filesystem::create_directories(path_, error);
    folder_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder_) complain("cannot open the folder", errno);
    auto origin = origins::Folder::open(path_, {});
    if (!origin) folder_.reset();
    if (!folder_) return;
    origin_ = *std::move(origin);
    list();
}

void Contents::complain(std::string_view what, int error) {
    if (complained_.exchange(true)) return;
    log_.warn("releases", "{}: {}: {}; files that a deploy removes are gone with it", path_, what, std::strerror(error));
}

void Contents::list() {
    const std::int64_t now = seconds_now();
    const std::lock_guard lock(mutex_);
    for (const Listed& place : list_folder(folder_.number(), ".")) {
        if (place.name.size() != 2 || !S_ISDIR(place.facts.st_mode)) continue;
        for (const Listed& file : list_folder(folder_.number(), place.name.c_str())) {
            if (!S_ISREG(file.facts.st_mode)) continue;
            if (file.name.starts_with('.') && now - file.facts.st_mtime > kHour) {
                ::unlinkat(folder_.number(), (place.name + "/" + file.name).c_str(), 0);
            }
            const auto content = parse_sha256(file.name);
            if (!content || !file.name.starts_with(place.name)) continue;
            Copy& copy = table_[*content];
            copy.bytes = on_disk(static_cast<std::uint64_t>(file.facts.st_size));
            bytes_ += copy.bytes;
            rank(*content, copy, file.facts.st_mtime);
        }
    }
}

void Contents::set_most(std::uint64_t bytes) {
    std::vector<Sha256> removed;
    {
        const std::lock_guard lock(mutex_);
        most_ = bytes;
        while (bytes_ > most_ && !leaving_.empty()) removed.push_back(evict());
    }
    remove_files(removed);
}

std::uint64_t Contents::largest() const {
    const std::lock_guard lock(mutex_);
    return most_ / kLargestShare;
}

void Contents::rank(const Sha256& content, Copy& copy, std::int64_t gone) {
    if (copy.bytes != 0) leaving_.erase({copy.gone, content});
    copy.gone = gone;
    if (copy.bytes != 0 && gone != kPresent) leaving_.emplace(gone, content);
}

// The file's removal is left to the caller, who has no lock by then.
void Contents::take_out(const Sha256& content, Copy& copy) {
    leaving_.erase({copy.gone, content});
    bytes_ -= std::exchange(copy.bytes, 0);
    copy.verified.reset();
    if (copy.holders == 0) table_.erase(content);
}

Sha256 Contents::evict() {
    const Sha256 content = leaving_.begin()->second;
    take_out(content, table_.at(content));
    ++counts_.evicted;
    return content;
}

// What has gone lately is what visitors ask for now: it is not given up for a copy of what the folder still has.
bool Contents::make_room(std::uint64_t bytes, WallTime now, std::vector<Sha256>& removed) {
    if (bytes > most_ / kLargestShare) return false;
    const std::int64_t latest = now.time_since_epoch().count() - kHour;
    while (bytes_ + bytes > most_ && !leaving_.empty() && leaving_.begin()->first <= latest) removed.push_back(evict());
    return bytes_ + bytes <= most_;
}

Contents::Keeping Contents::keep(const Sha256& content, int descriptor, std::uint64_t size, WallTime now) {
    if (!folder_) return Keeping::Failed;
    std::vector<Sha256> removed;
    bool room = false;
    {
        const std::lock_guard lock(mutex_);
        if (const auto copy = table_.find(content); copy != table_.end() && copy->second.bytes != 0) return Keeping::Kept;
        room = make_room(on_disk(size), now, removed);
        if (!room) ++counts_.no_room;
    }
    remove_files(removed);
    if (!room) return Keeping::NoRoom;

    const auto before = origins::version_of(descriptor);
    if (!before || before->size != size) return Keeping::Changed;
    if (!copy_to(name_of(content), descriptor, size)) return errno == ESTALE ? Keeping::Changed : Keeping::Failed;
    const auto after = origins::version_of(descriptor);
    if (!after || after->size != size || after->modified_ns != before->modified_ns) {
        remove_files({content});
        return Keeping::Changed;
    }
    // Of bytes that were hashed a moment ago: the first client that needs it does not pay for that again, 0.6 ms per MB.
    const auto made = origin_->look("/" + name_of(content));
    const std::lock_guard lock(mutex_);
    Copy& copy = table_[content];
    if (copy.bytes != 0) return Keeping::Kept;
    copy.bytes = on_disk(size);
    if (made && made->kind == origins::Found::Kind::File && made->version.size == size) copy.verified = made->version;
    bytes_ += copy.bytes;
    rank(content, copy, copy.holders == 0 ? now.time_since_epoch().count() : copy.gone);
    return Keeping::Kept;
}

// On failure errno says why.
bool Contents::copy_to(const std::string& name, int from, std::uint64_t size) {
    const std::string place = name.substr(0, 2);
    const std::string temporary = fmt::format("{}/.{}-{}", place, ::getpid(), copies_.fetch_add(1));
    if (::mkdirat(folder_.number(), place.c_str(), 0700) != 0 && errno != EEXIST)
        return complain("cannot make a folder", errno), false;
    FileDescriptor to(::openat(folder_.number(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!to) return complain("cannot make a file", errno), false;
    if (copy_bytes(from, to.number(), size) &&
        ::renameat(folder_.number(), temporary.c_str(), folder_.number(), name.c_str()) == 0) {
        return true;
    }
    const int error = errno;
    ::unlinkat(folder_.number(), temporary.c_str(), 0);
    if (error != ESTALE) complain("cannot write", error);
    errno = error;
    return false;
}

bool Contents::kept(const Sha256& content) const {
    const std::lock_guard lock(mutex_);
    const auto copy = table_.find(content);
    return copy != table_.end() && copy->second.bytes != 0;
}

Result<BlobPtr> Contents::read(const Sha256& content) {
    std::string bytes;
    TRY(append(content, bytes));
    return make_blob(std::move(bytes));
}

Result<void> Contents::append(const Sha256& content, std::string& room) {
    auto gone = [&] { return fail(ErrorKind::NotFound, "content " + hex(content) + " is not kept"); };
    if (!kept(content)) return gone();
    const auto found = origin_->look("/" + name_of(content));
    if (!found) return gone();  // no descriptors left, perhaps
    if (found->kind != origins::Found::Kind::File) return drop(content), gone();
    const std::size_t before = room.size();
    room.resize_and_overwrite(before + static_cast<std::size_t>(found->version.size), [&](char* into, std::size_t size) {
        std::size_t done = before;
        while (done < size) {
            const ssize_t count =
                ::pread(found->descriptor.number(), into + done, size - done, static_cast<off_t>(done - before));
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) break;
            done += static_cast<std::size_t>(count);
        }
        return done;
    });
    // Hashing costs 0.6 ms per MB, a quarter of what a delta costs that a client waits for: once per version is enough.
    const std::string_view bytes = std::string_view(room).substr(before);
    const bool whole = bytes.size() == found->version.size;
    if (!whole || (!is_verified(content, found->version) && sha256(bytes) != content)) {
        room.resize(before);
        return remove_broken(content), gone();
    }
    set_verified(content, found->version);
    return {};
}

bool Contents::is_verified(const Sha256& content, const origins::FileVersion& version) const {
    const std::lock_guard lock(mutex_);
    const auto copy = table_.find(content);
    return copy != table_.end() && copy->second.verified == version;
}

void Contents::set_verified(const Sha256& content, const origins::FileVersion& version) {
    const std::lock_guard lock(mutex_);
    if (const auto copy = table_.find(content); copy != table_.end()) copy->second.verified = version;
}

origins::Found Contents::look(const Sha256& content) {
    if (!kept(content)) return {};
    auto found = origin_->look("/" + name_of(content));
    if (!found) return {};  // no descriptors left, perhaps
    if (found->kind != origins::Found::Kind::File) return drop(content), origins::Found{};
    if (is_verified(content, found->version)) return *std::move(found);
    if (!has_hash(found->descriptor.number(), found->version.size, content)) return remove_broken(content), origins::Found{};
    set_verified(content, found->version);
    return *std::move(found);
}

http::OpenFilePtr Contents::open(const Sha256& content) {
    auto found = look(content);
    if (found.kind != origins::Found::Kind::File) return nullptr;
    return origins::open_folder_file(origin_, "/" + name_of(content), std::move(found), content, open_files_);
}

void Contents::hold(const Sha256& content) {
    const std::lock_guard lock(mutex_);
    Copy& copy = table_[content];
    if (copy.holders++ == 0) rank(content, copy, kPresent);
}

// One holder less.
bool Contents::was_last_holder(Copy& copy) {
    if (copy.holders == 0) return false;
    --copy.holders;
    return copy.holders == 0;
}

void Contents::let_go(const Sha256& content) {
    {
        const std::lock_guard lock(mutex_);
        const auto copy = table_.find(content);
        if (copy == table_.end() || !was_last_holder(copy->second)) return;
        const bool there = copy->second.bytes != 0;
        take_out(content, copy->second);
        if (!there) return;
    }
    remove_files({content});
}

void Contents::leave(const Sha256& content) {
    const std::int64_t now = seconds_now();
    const std::lock_guard lock(mutex_);
    const auto copy = table_.find(content);
    if (copy == table_.end() || !was_last_holder(copy->second)) return;
    if (copy->second.bytes == 0) {
        table_.erase(copy);
    } else {
        rank(content, copy->second, std::min(copy->second.gone, now));
    }
}

void Contents::set_gone(const Sha256& content, std::optional<WallTime> since) {
    const std::lock_guard lock(mutex_);
    const auto copy = table_.find(content);
    if (copy != table_.end()) rank(content, copy->second, since ? since->time_since_epoch().count() : kPresent);
}

void Contents::forget_unheld(WallTime now) {
    std::vector<Sha256> removed;
    {
        const std::lock_guard lock(mutex_);
        const std::int64_t latest = now.time_since_epoch().count() - kMonth;
        for (const auto& [since, content] : leaving_) {
            if (since > latest) break;
            if (table_.at(content).holders == 0) removed.push_back(content);
        }
        for (const Sha256& content : removed) take_out(content, table_.at(content));
    }
    remove_files(removed);
}

// Another process that uses the folder may have removed it.
void Contents::drop(const Sha256& content) {
    const std::lock_guard lock(mutex_);
    const auto copy = table_.find(content);
    if (copy != table_.end() && copy->second.bytes != 0) take_out(content, copy->second);
}

void Contents::remove_broken(const Sha256& content) {
    drop(content);
    log_.warn("releases", "{}/{}: its content is not what its name says; it is not used", path_, name_of(content));
    remove_files({content});
    const std::lock_guard lock(mutex_);
    ++counts_.broken;
}

void Contents::remove_files(const std::vector<Sha256>& contents) const {
    for (const Sha256& content : contents) ::unlinkat(folder_.number(), name_of(content).c_str(), 0);
}

Contents::Stats Contents::stats() const {
    const std::lock_guard lock(mutex_);
    Stats stats = counts_;
    stats.files =
        static_cast<std::uint64_t>(std::ranges::count_if(table_, [](const auto& entry) { return entry.second.bytes != 0; }));
    stats.bytes = bytes_;
    return stats;
}

}  // namespace selvage::releases
