#include "cache_store/file_system.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

namespace selvage::cache_store {
namespace {

class RealFileSystem final : public FileSystem {
public:
    int openat(int folder, const char* name, int flags, mode_t mode) override { return ::openat(folder, name, flags, mode); }
    ssize_t pread(int file, void* into, std::size_t bytes, off_t offset) override { return ::pread(file, into, bytes, offset); }
    ssize_t write(int file, const void* from, std::size_t bytes) override { return ::write(file, from, bytes); }
    int close(int file) override { return ::close(file); }
    int futimens(int file) override { return ::futimens(file, nullptr); }
    int renameat(int folder, const char* from, const char* to) override { return ::renameat(folder, from, folder, to); }
    int unlinkat(int folder, const char* name) override { return ::unlinkat(folder, name, 0); }
    int mkdirat(int folder, const char* name, mode_t mode) override { return ::mkdirat(folder, name, mode); }
};

}  // namespace

FileSystem& real_file_system() {
    static RealFileSystem instance;
    return instance;
}

}  // namespace selvage::cache_store
