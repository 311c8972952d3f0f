#pragma once

#include <sys/types.h>

#include <cstddef>

namespace selvage::cache_store {

// The system calls that the disk tier makes on objects: a seam, so that a test can make them fail, stall or fall short.
//
// Each is the POSIX call of its name, errno included. Called from many threads.
class FileSystem {
public:
    virtual ~FileSystem() = default;

    virtual int openat(int folder, const char* name, int flags, mode_t mode) = 0;
    virtual ssize_t pread(int file, void* into, std::size_t bytes, off_t offset) = 0;
    virtual ssize_t write(int file, const void* from, std::size_t bytes) = 0;
    virtual int close(int file) = 0;
    virtual int futimens(int file) = 0;  // to now
    virtual int renameat(int folder, const char* from, const char* to) = 0;
    virtual int unlinkat(int folder, const char* name) = 0;
    virtual int mkdirat(int folder, const char* name, mode_t mode) = 0;
};

// The real one. Without state: shared by all stores.
FileSystem& real_file_system();

}  // namespace selvage::cache_store
