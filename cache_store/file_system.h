#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

namespace selvage::cache_store {

// The system calls that the disk tier makes: a seam, so that a test can make them fail, stall, fall short or be undone by a power
// loss.
//
// Each is the call of its name, errno included. Called from many threads.
class FileSystem {
public:
    virtual ~FileSystem() = default;

    virtual int openat(int folder, const char* name, int flags, mode_t mode) = 0;
    virtual ssize_t preadv2(int file, const iovec* parts, int count, off_t offset, int flags) = 0;  // flags: 0 or RWF_NOWAIT
    virtual ssize_t pwritev(int file, const iovec* parts, int count, off_t offset) = 0;
    virtual int fallocate(int file, off_t bytes) = 0;  // from 0; the file is at least that long afterwards, what was in it stays
    virtual off_t size_of(int file) = 0;               // fstat; -1: failed
    virtual int fdatasync(int file) = 0;               // of a folder: fsync
    virtual int close(int file) = 0;
    virtual int renameat(int folder, const char* from, const char* to) = 0;
    virtual int unlinkat(int folder, const char* name) = 0;
};

// The real one. Without state: shared by all stores.
FileSystem& real_file_system();

// All of it, whatever the kernel does in one call: interrupted and short transfers are continued. `parts` is changed.
// 0, or the errno; EIO for a file that ends too early, ENOSPC for a write that makes no progress.
int read_all(FileSystem& files, int file, void* into, std::size_t bytes, off_t offset);
int write_all(FileSystem& files, int file, iovec* parts, std::size_t count, off_t offset);

}  // namespace selvage::cache_store
