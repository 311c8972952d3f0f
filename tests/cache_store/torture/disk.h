#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache_store/file_system.h"
#include "tests/cache_store/torture/unsynced_file.h"
#include "tests/cache_store/torture/unsynced_names.h"

namespace selvage::torture {

// A call that the store makes, before it is made.
struct Call {
    enum class Kind : std::uint8_t { Open, Read, ReadNow, Write, Allocate, Sync, SyncFolder, Rename, Unlink } kind;
    std::string_view name;  // of the file; the old one of a rename; empty for a folder
    std::uint64_t offset = 0, bytes = 0;
};

// What becomes of it: an errno, or a transfer of so many bytes at most.
struct Fate {
    int error = 0;
    std::size_t longest = SIZE_MAX;
};

// A disk that can fail, stall, be cut off and lose power: real files in a scratch folder, and a record of what of them is durable
// (a name when its folder was synced, a page when its file was). Nothing is ever synced in truth: that would only take time.
//
// What is there when it is made is durable. A direct write that is not of whole blocks is refused, as the strictest of disks
// does. Every file of the store has to be opened through it. Thread-safe but for rule(), which is set while no call is under way,
// and lose_power(), when the store is gone.
class Disk final : public cache_store::FileSystem {
public:
    using Rule = std::function<Fate(const Call&)>;

    void rule(Rule rule) { rule_ = std::move(rule); }
    // The n-th change from now on is the last thing that happens, a write only in part; every later call fails.
    void cut_after(std::uint64_t changes, std::uint64_t part) {
        part_ = part;
        changes_left_ = static_cast<std::int64_t>(changes);
    }
    void cut_now() { cut_ = true; }
    bool was_cut() const { return cut_; }
    std::uint64_t changes() const { return changes_; }
    void lose_power(Dice& dice, Loss loss) {
        const std::lock_guard lock(mutex_);
        for (const auto& [identity, file] : files_) file->lose(dice, loss);
        names_.lose(dice, loss);
        files_.clear();
    }

    int openat(int folder, const char* name, int flags, mode_t mode) override {
        if (const auto fate = fate_of({.kind = Call::Kind::Open, .name = name}); failed(fate)) return -1;
        const std::lock_guard lock(mutex_);
        const bool there = ::faccessat(folder, name, F_OK, 0) == 0;
        if (!there && (flags & O_CREAT) != 0 && refused()) return -1;
        if (there && (flags & O_TRUNC) != 0) before_truncation(folder, name);
        const int file = ::openat(folder, name, flags, mode);
        if (file < 0) return file;
        struct stat now{};
        if (::fstat(file, &now) != 0 || !S_ISREG(now.st_mode)) return file;
        open_[file] = {tracked(file, there ? now.st_size : 0), name, (flags & O_DIRECT) != 0};
        if (!there) names_.created(folder, name);
        return file;
    }

    ssize_t preadv2(int file, const iovec* parts, int count, off_t offset, int flags) override {
        const auto kind = (flags & RWF_NOWAIT) != 0 ? Call::Kind::ReadNow : Call::Kind::Read;
        const auto fate = fate_of(call(kind, file, parts, count, offset));
        if (failed(fate)) return -1;
        const auto some = shortened(parts, count, fate.longest);
        // What the scratch folder's file system answers to RWF_NOWAIT is its own affair: here all of it is in memory.
        return ::preadv(file, some.data(), static_cast<int>(some.size()), offset);
    }

    ssize_t pwritev(int file, const iovec* parts, int count, off_t offset) override {
        const auto asked = call(Call::Kind::Write, file, parts, count, offset);
        auto fate = fate_of(asked);
        if (failed(fate)) return -1;
        const std::lock_guard lock(mutex_);
        if (cut_) return error(EIO);
        if (is_direct(file) && !whole_blocks(parts, count, offset)) return error(EINVAL);
        const bool last = refused();
        if (last) fate.longest = asked.bytes == 0 ? 0 : part_ % asked.bytes;
        const auto some = shortened(parts, count, fate.longest);
        if (const auto found = open_.find(file); found != open_.end()) {
            found->second.file->before_write(asked.offset, std::min<std::uint64_t>(asked.bytes, fate.longest));
        }
        const auto written = ::pwritev(file, some.data(), static_cast<int>(some.size()), offset);
        return last ? error(EIO) : written;
    }

    int fallocate(int file, off_t bytes) override {
        if (const auto fate = fate_of(call(Call::Kind::Allocate, file, nullptr, 0, bytes)); failed(fate)) return -1;
        const std::lock_guard lock(mutex_);
        if (refused()) return -1;
        return ::fallocate(file, 0, 0, bytes);
    }

    off_t size_of(int file) override {
        struct stat now{};
        if (cut_) return error(EIO);
        return ::fstat(file, &now) == 0 ? now.st_size : -1;
    }

    int fdatasync(int file) override {
        struct stat now{};
        if (::fstat(file, &now) != 0) return -1;
        const bool folder = S_ISDIR(now.st_mode);
        const auto fate = fate_of(call(folder ? Call::Kind::SyncFolder : Call::Kind::Sync, file, nullptr, 0, 0));
        const std::lock_guard lock(mutex_);
        const auto found = open_.find(file);
        if (fate.error != 0 && found != open_.end()) found->second.file->sync_failed();
        if (failed(fate) || refused()) return -1;
        if (folder) names_.synced({now.st_dev, now.st_ino});
        if (found != open_.end()) found->second.file->synced();
        return 0;
    }

    int close(int file) override {
        const std::lock_guard lock(mutex_);
        open_.erase(file);
        return ::close(file);
    }

    int renameat(int folder, const char* from, const char* to) override {
        if (const auto fate = fate_of({.kind = Call::Kind::Rename, .name = from}); failed(fate)) return -1;
        const std::lock_guard lock(mutex_);
        if (refused()) return -1;
        auto replaced = tracked(folder, to);
        const int done = ::renameat(folder, from, folder, to);
        if (done == 0) names_.renamed(folder, from, to, std::move(replaced));
        return done;
    }

    int unlinkat(int folder, const char* name) override {
        if (const auto fate = fate_of({.kind = Call::Kind::Unlink, .name = name}); failed(fate)) return -1;
        const std::lock_guard lock(mutex_);
        if (refused()) return -1;
        auto file = tracked(folder, name);
        const int done = ::unlinkat(folder, name, 0);
        if (done == 0) names_.removed(folder, name, std::move(file));
        return done;
    }

private:
    using File = std::shared_ptr<UnsyncedFile>;
    struct Open {
        File file;
        std::string name;
        bool direct = false;
    };

    bool is_direct(int file) const {
        const auto found = open_.find(file);
        return found != open_.end() && found->second.direct;
    }
    static bool whole_blocks(const iovec* parts, int count, off_t offset) {
        constexpr std::uintptr_t kBlock = 4096;
        return static_cast<std::uint64_t>(offset) % kBlock == 0 && std::all_of(parts, parts + count, [](const iovec& part) {
                   return reinterpret_cast<std::uintptr_t>(part.iov_base) % kBlock == 0 && part.iov_len % kBlock == 0;
               });
    }

    static int error(int number) {
        errno = number;
        return -1;
    }
    static bool failed(const Fate& fate) {
        if (fate.error != 0) errno = fate.error;
        return fate.error != 0;
    }
    Fate fate_of(const Call& call) {
        if (cut_) return {.error = EIO};
        return rule_ ? rule_(call) : Fate{};
    }
    // Is this change one that does not happen, or (a write) only in part?
    bool refused() {
        ++changes_;
        if (cut_ || --changes_left_ < 0) {
            cut_ = true;
            errno = EIO;
            return true;
        }
        return false;
    }

    Call call(Call::Kind kind, int file, const iovec* parts, int count, off_t offset) {
        Call call{.kind = kind, .offset = static_cast<std::uint64_t>(offset)};
        for (int part = 0; part < count; ++part) call.bytes += parts[part].iov_len;
        const std::lock_guard lock(mutex_);
        const auto found = open_.find(file);
        if (found != open_.end()) call.name = names_seen_.emplace(found->second.name, 0).first->first;
        return call;
    }
    static std::vector<iovec> shortened(const iovec* parts, int count, std::size_t longest) {
        std::vector<iovec> some;
        for (int part = 0; part < count && longest > 0; ++part) {
            some.push_back({parts[part].iov_base, std::min(parts[part].iov_len, longest)});
            longest -= some.back().iov_len;
        }
        return some;
    }

    File tracked(int file, off_t synced_size) {
        struct stat now{};
        if (::fstat(file, &now) != 0) return nullptr;
        auto& known = files_[{now.st_dev, now.st_ino}];
        if (!known) {  // a descriptor of our own, which keeps it beyond the store's, and the inode from being used again
            const auto path = "/proc/self/fd/" + std::to_string(file);
            known = std::make_shared<UnsyncedFile>(FileDescriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC)), synced_size);
        }
        return known;
    }
    File tracked(int folder, const char* name) {
        const FileDescriptor file(::openat(folder, name, O_RDONLY | O_CLOEXEC));
        if (!file) return nullptr;
        struct stat now{};
        if (::fstat(file.number(), &now) != 0 || !S_ISREG(now.st_mode)) return nullptr;
        return tracked(file.number(), now.st_size);
    }
    void before_truncation(int folder, const char* name) {
        if (const auto file = tracked(folder, name)) file->before_write(0, static_cast<std::uint64_t>(file->size()));
    }

    Rule rule_;
    std::atomic<bool> cut_{false};
    std::atomic<std::uint64_t> changes_{0};
    std::atomic<std::int64_t> changes_left_{INT64_MAX};
    std::uint64_t part_ = 0;

    std::mutex mutex_;
    std::map<int, Open> open_;
    std::map<Identity, File> files_;
    std::map<std::string, int> names_seen_;  // what a Call's name refers to
    UnsyncedNames names_;
};

}  // namespace selvage::torture
