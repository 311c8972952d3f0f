#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/file_descriptor.h"
#include "cache_store/disk/log_tier.h"

// What the tests of the store stand on: a folder that goes away, clocks that are moved by hand, files that fail on request.
namespace selvage::cache_store {

inline constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB;

class ScratchFolder {
public:
    ScratchFolder() {
        auto pattern = (std::filesystem::temp_directory_path() / "selvage-store-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    std::string path() const { return path_.string(); }
    std::filesystem::path objects() const { return path_ / "objects"; }
    std::filesystem::path log() const { return objects() / "log-1"; }
    std::filesystem::path segment(std::uint32_t number) const { return log() / fmt::format("segment.{:05}", number); }
    std::vector<std::filesystem::path> segments() const {  // by number
        std::vector<std::filesystem::path> found;
        for (const auto& entry : std::filesystem::directory_iterator(log())) {
            if (entry.path().filename().string().starts_with("segment.")) found.push_back(entry.path());
        }
        std::ranges::sort(found);
        return found;
    }

    // What all files take on the disk, as it counts: in blocks of 512.
    std::uint64_t bytes_on_disk() const {
        std::uint64_t sum = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(objects())) {
            struct stat status{};
            if (entry.is_regular_file() && ::stat(entry.path().c_str(), &status) == 0)
                sum += static_cast<std::uint64_t>(status.st_blocks) * 512;
        }
        return sum;
    }

private:
    std::filesystem::path path_;
};

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Overwrites a few bytes where they lie.
inline void patch_file(const std::filesystem::path& path, std::uint64_t offset, std::string_view bytes) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

class ManualClocks {
public:
    Clocks reader() {
        return {.steady = [this] { return SteadyTime(std::chrono::milliseconds(steady_.load())); },
                .wall = [this] { return WallTime(std::chrono::seconds(wall_.load())); }};
    }
    WallTime wall() const { return WallTime(std::chrono::seconds(wall_.load())); }
    void advance(std::chrono::milliseconds step) {
        steady_ += step.count();
        wall_ += std::chrono::floor<std::chrono::seconds>(step).count();
    }
    void set_wall(WallTime to) { wall_ = to.time_since_epoch().count(); }

private:
    std::atomic<std::int64_t> steady_{3'600'000'000};
    std::atomic<std::int64_t> wall_{1'795'000'000};
};

// The real files, until a fault is set: an errno for all calls of a kind, or a limit on the bytes of one call. Direct writes
// (O_DIRECT) are of whole blocks, as the strictest of disks asks, whatever the scratch folder's file system asks.
class FaultyFiles final : public FileSystem {
public:
    std::atomic<int> open_fault{0}, read_fault{0}, write_fault{0}, allocate_fault{0}, sync_fault{0}, rename_fault{0},
        unlink_fault{0};
    std::atomic<std::int64_t> longest_write{INT64_MAX}, longest_read{INT64_MAX};  // bytes of one call
    std::atomic<int> writes_before_fault{0};
    std::atomic<bool> never_now{false};         // RWF_NOWAIT finds nothing in the page cache
    std::atomic<std::size_t> asked_in_vain{0};  // bytes of the last read that found nothing so
    std::atomic<int> direct_open_fault{0}, direct_write_fault{0};
    std::atomic<std::uint64_t> written{0}, syncs{0}, writes{0}, reads{0}, direct_writes{0};
    std::function<void()> before_read, before_write, before_sync;  // set before the store is shared

    int openat(int folder, const char* name, int flags, mode_t mode) override {
        const bool direct = (flags & O_DIRECT) != 0;
        if (failed(open_fault) || (direct && failed(direct_open_fault))) return -1;
        const int file = real_.openat(folder, name, direct ? flags & ~O_DIRECT : flags, mode);
        if (!direct || file < 0) return file;
        // Only now, and if the folder's file system can: the rules above hold without it.
        ::fcntl(file, F_SETFL, ::fcntl(file, F_GETFL) | O_DIRECT);
        const std::lock_guard lock(mutex_);
        direct_.insert(file);
        return file;
    }
    ssize_t preadv2(int file, const iovec* parts, int count, off_t offset, int flags) override {
        ++reads;
        if (before_read) before_read();
        if (failed(read_fault)) return -1;
        if (flags != 0 && never_now) {
            asked_in_vain = parts[0].iov_len;
            return errno = EAGAIN, -1;
        }
        const auto some = shortened(parts, count, longest_read);
        const auto got = real_.preadv2(file, some.data(), static_cast<int>(some.size()), offset, flags);
        // A tmpfs does not know RWF_NOWAIT; all of it is in memory.
        const bool unknown = got < 0 && errno == EOPNOTSUPP && flags != 0;
        return unknown ? real_.preadv2(file, some.data(), static_cast<int>(some.size()), offset, 0) : got;
    }
    ssize_t pwritev(int file, const iovec* parts, int count, off_t offset) override {
        ++writes;
        if (before_write) before_write();
        if (writes_before_fault.fetch_sub(1) <= 0 && failed(write_fault)) return -1;
        if (is_direct(file)) {
            ++direct_writes;
            if (failed(direct_write_fault)) return -1;
            if (!whole_blocks(parts, count, offset)) return errno = EINVAL, -1;
        }
        const auto some = shortened(parts, count, longest_write);
        // That a direct write falls short within a block is no disk's doing, but a file system's (ext4 when it is full).
        const bool torn = is_direct(file) && !whole_blocks(some.data(), static_cast<int>(some.size()), offset);
        const int flags = torn ? ::fcntl(file, F_GETFL) : 0;
        if (torn) ::fcntl(file, F_SETFL, flags & ~O_DIRECT);
        const auto done = real_.pwritev(file, some.data(), static_cast<int>(some.size()), offset);
        if (torn) ::fcntl(file, F_SETFL, flags);
        if (done > 0) written += static_cast<std::uint64_t>(done);
        return done;
    }
    int fallocate(int file, off_t bytes) override { return failed(allocate_fault) ? -1 : real_.fallocate(file, bytes); }
    off_t size_of(int file) override { return real_.size_of(file); }
    int fdatasync(int file) override {
        ++syncs;
        if (before_sync) before_sync();
        return failed(sync_fault) ? -1 : real_.fdatasync(file);
    }
    int close(int file) override {
        {
            const std::lock_guard lock(mutex_);
            direct_.erase(file);
        }
        return real_.close(file);
    }
    int renameat(int folder, const char* from, const char* to) override {
        return failed(rename_fault) ? -1 : real_.renameat(folder, from, to);
    }
    int unlinkat(int folder, const char* name) override { return failed(unlink_fault) ? -1 : real_.unlinkat(folder, name); }

private:
    static bool failed(const std::atomic<int>& fault) {
        if (fault == 0) return false;
        errno = fault;
        return true;
    }
    static std::vector<iovec> shortened(const iovec* parts, int count, const std::atomic<std::int64_t>& longest) {
        auto left = static_cast<std::uint64_t>(longest.load());
        std::vector<iovec> some;
        for (int part = 0; part < count && left > 0; ++part) {
            some.push_back({.iov_base = parts[part].iov_base, .iov_len = std::min<std::uint64_t>(parts[part].iov_len, left)});
            left -= some.back().iov_len;
        }
        return some;
    }
    bool is_direct(int file) {
        const std::lock_guard lock(mutex_);
        return direct_.contains(file);
    }
    static bool whole_blocks(const iovec* parts, int count, off_t offset) {
        constexpr std::uintptr_t kBlock = 4096;
        return static_cast<std::uint64_t>(offset) % kBlock == 0 && std::all_of(parts, parts + count, [](const iovec& part) {
                   return reinterpret_cast<std::uintptr_t>(part.iov_base) % kBlock == 0 && part.iov_len % kBlock == 0;
               });
    }

    FileSystem& real_ = real_file_system();
    std::mutex mutex_;
    std::set<int> direct_;  // descriptors
};

inline Key128 key_number(std::uint64_t number) {
    // Spread as digests are.
    return {.high = number * 0x9E3779B97F4A7C15ULL, .low = ~number * 0xC2B2AE3D27D4EB4FULL};
}

inline Object plain_object(std::string body, std::string meta = "image/avif") {
    return {.meta = std::move(meta),
            .body = make_blob(std::move(body)),
            .cost_ms = 512,
            .created = WallTime(std::chrono::seconds(1'795'000'000)),
            .birth = 0,
            .tags = {static_cast<Tag>(1234), static_cast<Tag>(99)}};
}
inline ObjectPtr shared(Object object) { return std::make_shared<const Object>(std::move(object)); }
inline ObjectPtr object_of(std::string body, std::string meta = "image/avif") {
    return shared(plain_object(std::move(body), std::move(meta)));
}

// A body of which every 8 bytes tell its number and their place, so that a mix-up shows.
inline std::string body_number(std::uint64_t number, std::size_t bytes) {
    std::string body;
    body.reserve(bytes + 8);
    for (std::uint64_t word = number * 0x9E3779B97F4A7C15ULL; body.size() < bytes; word += 0xBF58476D1CE4E5B9ULL)
        body.append(reinterpret_cast<const char*>(&word), sizeof word);
    body.resize(bytes);
    return body;
}
inline ObjectPtr object_number(std::uint64_t number, std::size_t bytes) {
    return object_of(body_number(number, bytes), fmt::format("object {}", number));
}

inline bool same_head(const Object& left, const Object& right) {
    return left.meta == right.meta && left.cost_ms == right.cost_ms && left.created == right.created &&
           left.birth == right.birth && left.tags == right.tags && left.lifetimes == right.lifetimes;
}
inline bool same(const ObjectPtr& left, const ObjectPtr& right) {
    return left && right && same_head(*left, *right) && left->body->view() == right->body->view();
}

// A world to open disk tiers in; each test has its own.
struct World {
    ScratchFolder folder;
    ManualClocks clocks;
    FaultyFiles files;
    FileDescriptor nowhere{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    Log log{nowhere.number(), LogLevel::Debug};
    std::unique_ptr<PurgeTable> purges;  // of the tier that was opened last

    static Limits limit(std::uint64_t disk_bytes) { return {.disk_bytes = disk_bytes, .disk_write_rate = 0}; }

    Result<std::unique_ptr<LogTier>> try_open(std::uint64_t disk_bytes = 36 * kMiB) {
        purges = std::make_unique<PurgeTable>();
        return LogTier::open(folder.path(), limit(disk_bytes), *purges, files, clocks.reader(), log);
    }
    // Opened, and indexed.
    std::unique_ptr<LogTier> open(std::uint64_t disk_bytes = 36 * kMiB) {
        auto tier = try_open(disk_bytes);
        if (!tier) throw std::runtime_error(tier.error().detail);
        work(**tier);
        return *std::move(tier);
    }
    // Whatever waits is written, and whatever was found is indexed.
    void work(LogTier& tier) {
        clocks.advance(std::chrono::seconds(1));
        tier.work();
        while (tier.work_waits()) tier.work();
    }
    // Enqueued, and written.
    NotStored store(LogTier& tier, std::uint64_t number, ObjectPtr object) {
        const auto reason = tier.enqueue(key_number(number), std::move(object));
        work(tier);
        return reason;
    }
};

inline DiskStats stats_of(const LogTier& tier) {
    DiskStats stats;
    tier.add_to(stats);
    return stats;
}

// What is under the key, or null.
inline ObjectPtr read(LogTier& tier, std::uint64_t number) { return tier.read(key_number(number)).value_or(nullptr); }

}  // namespace selvage::cache_store
