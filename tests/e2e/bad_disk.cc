// A disk that fails or stands still, for a program that is not changed: preloaded (LD_PRELOAD), it takes the calls by which the
// disk tier reads and writes its files, and leaves all others alone.
//
// The file named by SELVAGE_BAD_DISK says what is wrong with the disk, now: nothing when it is not there; "EIO", "ENOSPC": every
// call fails; "short": a call transfers 1000 bytes at most; "stall": a call waits until the file says something else, and
// meanwhile the file of the same name with ".held" is there.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#define SELVAGE_PRELOADED extern "C" __attribute__((visibility("default")))

namespace {

constexpr std::size_t kShort = 1000;

template <typename Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::string fault_file() {
    const char* const path = ::getenv("SELVAGE_BAD_DISK");
    return path == nullptr ? std::string() : path;
}

std::string fault() {
    const int file = ::open(fault_file().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return {};
    char word[16];
    const auto got = ::read(file, word, sizeof word);
    ::close(file);
    return got > 0 ? std::string(word, static_cast<std::size_t>(got)) : std::string();
}

bool is_of_the_store(int file) {
    char path[4096];
    const auto link = "/proc/self/fd/" + std::to_string(file);
    const auto length = ::readlink(link.c_str(), path, sizeof path);
    return length > 0 &&
           std::string_view(path, static_cast<std::size_t>(length)).find("/objects/log-1") != std::string_view::npos;
}

void stand_still() {
    const auto held = fault_file() + ".held";
    ::close(::open(held.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const timespec pause{.tv_sec = 0, .tv_nsec = 5'000'000};
    while (fault() == "stall") ::nanosleep(&pause, nullptr);
    ::unlink(held.c_str());
}

// What the call must not do more than; -1: it fails, and errno says how.
ssize_t allowed(int file) {
    const int before = errno;
    if (!is_of_the_store(file)) return SSIZE_MAX;
    auto word = fault();
    if (word == "stall") {
        stand_still();
        word = fault();
    }
    errno = word == "EIO" ? EIO : word == "ENOSPC" ? ENOSPC : before;
    if (word == "EIO" || word == "ENOSPC") return -1;
    return word == "short" ? static_cast<ssize_t>(kShort) : SSIZE_MAX;
}

std::vector<iovec> shortened(const iovec* parts, int count, std::size_t longest) {
    std::vector<iovec> some;
    for (int part = 0; part < count && longest > 0; ++part) {
        some.push_back({parts[part].iov_base, std::min(parts[part].iov_len, longest)});
        longest -= some.back().iov_len;
    }
    return some;
}

template <typename Transfer>
ssize_t transfer(int file, const iovec* parts, int count, Transfer&& call) {
    const auto most = allowed(file);
    if (most < 0) return -1;
    if (most == SSIZE_MAX) return call(parts, count);
    const auto some = shortened(parts, count, static_cast<std::size_t>(most));
    return call(some.data(), static_cast<int>(some.size()));
}

ssize_t write_parts(const char* name, int file, const iovec* parts, int count, off_t offset) {
    return transfer(file, parts, count, [&](const iovec* some, int number) {
        return next<ssize_t(int, const iovec*, int, off_t)>(name)(file, some, number, offset);
    });
}
ssize_t read_parts(const char* name, int file, const iovec* parts, int count, off_t offset, int flags) {
    if ((flags & RWF_NOWAIT) != 0 && is_of_the_store(file) && fault() == "stall") {
        errno = EAGAIN;  // a disk that stands still has nothing at hand
        return -1;
    }
    return transfer(file, parts, count, [&](const iovec* some, int number) {
        return next<ssize_t(int, const iovec*, int, off_t, int)>(name)(file, some, number, offset, flags);
    });
}

}  // namespace

SELVAGE_PRELOADED ssize_t pwritev(int file, const iovec* parts, int count, off_t offset) {
    return write_parts("pwritev", file, parts, count, offset);
}
SELVAGE_PRELOADED ssize_t pwritev64(int file, const iovec* parts, int count, off64_t offset) {
    return write_parts("pwritev64", file, parts, count, offset);
}
SELVAGE_PRELOADED ssize_t preadv2(int file, const iovec* parts, int count, off_t offset, int flags) {
    return read_parts("preadv2", file, parts, count, offset, flags);
}
SELVAGE_PRELOADED ssize_t preadv64v2(int file, const iovec* parts, int count, off64_t offset, int flags) {
    return read_parts("preadv64v2", file, parts, count, offset, flags);
}
SELVAGE_PRELOADED int fdatasync(int file) { return allowed(file) < 0 ? -1 : next<int(int)>("fdatasync")(file); }
SELVAGE_PRELOADED int fallocate(int file, int mode, off_t offset, off_t length) {
    return allowed(file) < 0 ? -1 : next<int(int, int, off_t, off_t)>("fallocate")(file, mode, offset, length);
}
SELVAGE_PRELOADED int fallocate64(int file, int mode, off64_t offset, off64_t length) {
    return allowed(file) < 0 ? -1 : next<int(int, int, off64_t, off64_t)>("fallocate64")(file, mode, offset, length);
}
