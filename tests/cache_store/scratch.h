#pragma once

#include <fcntl.h>
#include <stdlib.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>

#include "base/file_descriptor.h"
#include "cache_store/two_tiers.h"

// What the tests of the store stand on: a folder that goes away, a clock that is moved by hand, files that fail on request.
namespace selvage::cache_store {

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
    std::filesystem::path objects() const { return path_ / "objects" / "v1"; }
    std::filesystem::path file_of(const Key128& key) const { return objects() / object_name(key); }

    // What the objects and temporaries take, in whole blocks.
    std::uint64_t bytes_on_disk() const {
        std::uint64_t sum = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(objects())) {
            if (entry.is_regular_file()) sum += disk_charge(entry.file_size());
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

class ManualClock {
public:
    Clock reader() {
        return [this] { return SteadyTime(std::chrono::nanoseconds(now_.load())); };
    }
    void advance(std::chrono::nanoseconds step) { now_ += step.count(); }

private:
    std::atomic<std::int64_t> now_{std::chrono::nanoseconds(std::chrono::hours(1000)).count()};
};

// The real files, until a fault is set: an errno for all calls of a kind, or a limit on the bytes of one call.
class FaultyFiles final : public FileSystem {
public:
    std::atomic<int> open_fault{0}, read_fault{0}, write_fault{0}, close_fault{0}, rename_fault{0}, unlink_fault{0};
    std::atomic<std::size_t> longest_write{SIZE_MAX}, longest_read{SIZE_MAX};
    std::atomic<int> writes_before_fault{0}, touches{0};
    std::function<void()> before_rename;  // runs between the last write and the rename
    std::function<void()> before_read;    // runs once, on the first read
    std::function<void()> before_unlink;
    std::function<void()> before_close;  // all is written, nothing published

    int openat(int folder, const char* name, int flags, mode_t mode) override {
        return failed(open_fault) ? -1 : real_.openat(folder, name, flags, mode);
    }
    ssize_t pread(int file, void* into, std::size_t bytes, off_t offset) override {
        if (before_read) std::exchange(before_read, nullptr)();
        return failed(read_fault) ? -1 : real_.pread(file, into, std::min(bytes, longest_read.load()), offset);
    }
    ssize_t write(int file, const void* from, std::size_t bytes) override {
        if (writes_before_fault.fetch_sub(1) <= 0 && failed(write_fault)) return -1;
        return real_.write(file, from, std::min(bytes, longest_write.load()));
    }
    int close(int file) override {
        if (before_close) before_close();
        const int closed = real_.close(file);
        return failed(close_fault) ? -1 : closed;
    }
    int futimens(int file) override {
        ++touches;
        return real_.futimens(file);
    }
    int renameat(int folder, const char* from, const char* to) override {
        if (before_rename) before_rename();
        return failed(rename_fault) ? -1 : real_.renameat(folder, from, to);
    }
    int unlinkat(int folder, const char* name) override {
        if (before_unlink) before_unlink();
        return failed(unlink_fault) ? -1 : real_.unlinkat(folder, name);
    }
    int mkdirat(int folder, const char* name, mode_t mode) override { return real_.mkdirat(folder, name, mode); }

private:
    static bool failed(const std::atomic<int>& fault) {
        if (fault == 0) return false;
        errno = fault;
        return true;
    }
    FileSystem& real_ = real_file_system();
};

// A world to open stores in; each test has its own.
struct World {
    ScratchFolder folder;
    ManualClock clock;
    FaultyFiles files;
    FileDescriptor nowhere{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    Log log{nowhere.number(), LogLevel::Debug};

    std::unique_ptr<Store> open(const Limits& limits = {}) {
        return open_two_tiers(folder.path(), limits, log, files, clock.reader());
    }
};

inline Key128 key_number(std::uint64_t number) {
    // Spread over shards and subfolders, as digests are.
    return {.high = number * 0x9E3779B97F4A7C15ULL, .low = ~number * 0xC2B2AE3D27D4EB4FULL};
}

inline ObjectPtr object_of(std::string body, std::string meta = "image/avif") {
    return std::make_shared<const Object>(Object{.meta = std::move(meta),
                                                 .body = make_blob(std::move(body)),
                                                 .cost_ms = 512,
                                                 .source = Sha256{{1, 2, 3, 4}},
                                                 .created = WallTime(std::chrono::seconds(1'795'000'000))});
}

// An object of which every byte of the body tells its number, so that a mix-up shows.
inline ObjectPtr object_number(std::uint64_t number, std::size_t bytes) {
    return object_of(std::string(bytes, static_cast<char>('a' + number % 26)), fmt::format("object {}", number));
}

inline bool same(const ObjectPtr& left, const ObjectPtr& right) {
    return left && right && left->meta == right->meta && left->body->view() == right->body->view() &&
           left->cost_ms == right->cost_ms && left->source == right->source && left->created == right->created;
}

inline constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB;

}  // namespace selvage::cache_store
