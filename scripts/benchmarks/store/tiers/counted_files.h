#pragma once

#include <atomic>

#include "cache_store/file_system.h"
#include "clock.h"

namespace selvage::bench {

// The real file system, and what was asked of it: a count that does not rely on the store's own.
class CountedFiles final : public cache_store::FileSystem {
public:
    struct Counts {
        std::uint64_t written = 0;  // bytes
        std::uint64_t synced = 0;   // calls
        Spent syncing;
    };
    Counts counts() const { return counts_; }  // one thread writes at a time

    int openat(int folder, const char* name, int flags, mode_t mode) override { return real_.openat(folder, name, flags, mode); }
    ssize_t preadv2(int file, const iovec* parts, int count, off_t offset, int flags) override {
        return real_.preadv2(file, parts, count, offset, flags);
    }
    ssize_t pwritev(int file, const iovec* parts, int count, off_t offset) override {
        const ssize_t written = real_.pwritev(file, parts, count, offset);
        if (written > 0) counts_.written += static_cast<std::uint64_t>(written);
        return written;
    }
    int fallocate(int file, off_t bytes) override { return real_.fallocate(file, bytes); }
    off_t size_of(int file) override { return real_.size_of(file); }
    int fdatasync(int file) override {
        const Stopwatch watch;
        const int failed = real_.fdatasync(file);
        counts_.syncing += watch.spent();
        ++counts_.synced;
        return failed;
    }
    int close(int file) override { return real_.close(file); }
    int renameat(int folder, const char* from, const char* to) override { return real_.renameat(folder, from, to); }
    int unlinkat(int folder, const char* name) override { return real_.unlinkat(folder, name); }

private:
    cache_store::FileSystem& real_ = cache_store::real_file_system();
    Counts counts_;
};

}  // namespace selvage::bench
