#include "cache_store/file_system.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace selvage::cache_store {
namespace {

constexpr std::size_t kZeros = 1U << 20;  // at a time: fewer calls gain nothing

// What fallocate() does, for file systems that cannot: a full disk shows now and not when the bytes are needed.
int write_zeros(int file, off_t from, off_t to) {
    const std::vector<char> zeros(kZeros);
    while (from < to) {
        const auto step = std::min(static_cast<std::size_t>(to - from), zeros.size());
        const auto written = ::pwrite(file, zeros.data(), step, from);
        if (written < 0 && errno == EINTR) continue;
        if (written == 0) errno = ENOSPC;
        if (written <= 0) return -1;
        from += written;
    }
    return 0;
}

class RealFileSystem final : public FileSystem {
public:
    int openat(int folder, const char* name, int flags, mode_t mode) override { return ::openat(folder, name, flags, mode); }
    ssize_t preadv2(int file, const iovec* parts, int count, off_t offset, int flags) override {
        return ::preadv2(file, parts, count, offset, flags);
    }
    ssize_t pwritev(int file, const iovec* parts, int count, off_t offset) override {
        return ::pwritev(file, parts, count, offset);
    }
    int fallocate(int file, off_t bytes) override {
        int done;
        do done = ::fallocate(file, 0, 0, bytes);
        while (done != 0 && errno == EINTR);
        if (done == 0 || errno != EOPNOTSUPP) return done;
        const auto from = size_of(file);
        return from < 0 ? -1 : write_zeros(file, from, bytes);
    }
    off_t size_of(int file) override {
        struct stat status{};
        return ::fstat(file, &status) == 0 ? status.st_size : -1;
    }
    int fdatasync(int file) override {
        struct stat status{};
        if (::fstat(file, &status) != 0) return -1;
        return S_ISDIR(status.st_mode) ? ::fsync(file) : ::fdatasync(file);
    }
    int close(int file) override { return ::close(file); }
    int renameat(int folder, const char* from, const char* to) override { return ::renameat(folder, from, folder, to); }
    int unlinkat(int folder, const char* name) override { return ::unlinkat(folder, name, 0); }
};

// Drops what has been transferred from the front of the parts. False: more than there was.
bool advance(iovec*& parts, std::size_t& count, std::size_t transferred) {
    while (count > 0 && transferred >= parts->iov_len) {
        transferred -= parts->iov_len;
        ++parts;
        --count;
    }
    if (transferred == 0) return true;
    if (count == 0) return false;
    parts->iov_base = static_cast<char*>(parts->iov_base) + transferred;
    parts->iov_len -= transferred;
    return true;
}

}  // namespace

FileSystem& real_file_system() {
    static RealFileSystem instance;
    return instance;
}

int read_all(FileSystem& files, int file, void* into, std::size_t bytes, off_t offset) {
    auto* to = static_cast<char*>(into);
    while (bytes > 0) {
        const iovec part{.iov_base = to, .iov_len = bytes};
        const auto got = files.preadv2(file, &part, 1, offset, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0 || static_cast<std::size_t>(got) > bytes) return EIO;
        to += got;
        bytes -= static_cast<std::size_t>(got);
        offset += got;
    }
    return 0;
}

int write_all(FileSystem& files, int file, iovec* parts, std::size_t count, off_t offset) {
    advance(parts, count, 0);  // empty ones: a write of nothing makes no progress
    while (count > 0) {
        const auto some = static_cast<int>(std::min<std::size_t>(count, IOV_MAX));
        const auto written = files.pwritev(file, parts, some, offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        if (written == 0) return ENOSPC;
        offset += written;
        if (!advance(parts, count, static_cast<std::size_t>(written))) return EIO;
    }
    return 0;
}

}  // namespace selvage::cache_store
