#include "cache_store/file_system.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

// The real files, with calls that are interrupted, fall short or fail.
class Unwilling final : public FileSystem {
public:
    std::size_t longest = SIZE_MAX;
    int interruptions = 0, fault = 0, most_parts = 0;
    bool stuck = false;

    ssize_t preadv2(int file, const iovec* parts, int count, off_t offset, int flags) override {
        if (const auto refused = refuse(); refused) return *refused;
        auto some = shortened(parts, count);
        return real_.preadv2(file, some.data(), static_cast<int>(some.size()), offset, flags);
    }
    ssize_t pwritev(int file, const iovec* parts, int count, off_t offset) override {
        most_parts = std::max(most_parts, count);
        if (const auto refused = refuse(); refused) return *refused;
        auto some = shortened(parts, count);
        return real_.pwritev(file, some.data(), static_cast<int>(some.size()), offset);
    }
    int openat(int, const char*, int, mode_t) override { return -1; }
    int fallocate(int, off_t) override { return -1; }
    off_t size_of(int) override { return -1; }
    int fdatasync(int) override { return -1; }
    int close(int) override { return -1; }
    int renameat(int, const char*, const char*) override { return -1; }
    int unlinkat(int, const char*) override { return -1; }

private:
    std::optional<ssize_t> refuse() {
        if (stuck) return 0;
        if (interruptions == 0 && fault == 0) return std::nullopt;
        errno = interruptions > 0 ? EINTR : fault;
        if (interruptions > 0) --interruptions;
        return -1;
    }
    std::vector<iovec> shortened(const iovec* parts, int count) const {
        std::vector<iovec> some;
        for (std::size_t left = longest; count > 0 && left > 0; --count, ++parts) {
            some.push_back({.iov_base = parts->iov_base, .iov_len = std::min(left, parts->iov_len)});
            left -= some.back().iov_len;
        }
        return some;
    }
    FileSystem& real_ = real_file_system();
};

struct Scratch {
    std::string path = (std::filesystem::temp_directory_path() / "selvage-files-XXXXXX").string();
    FileDescriptor folder, file;
    Scratch() {
        REQUIRE(::mkdtemp(path.data()) != nullptr);
        folder = FileDescriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        file = FileDescriptor(real_file_system().openat(folder.number(), "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        REQUIRE(file);
    }
    ~Scratch() { std::filesystem::remove_all(path); }
    std::string content() const {
        std::string bytes(static_cast<std::size_t>(real_file_system().size_of(file.number())), '?');
        CHECK(read_all(real_file_system(), file.number(), bytes.data(), bytes.size(), 0) == 0);
        return bytes;
    }
};

std::vector<iovec> parts_of(std::vector<std::string>& texts) {
    std::vector<iovec> parts;
    for (auto& text : texts) parts.push_back({.iov_base = text.data(), .iov_len = text.size()});
    return parts;
}

}  // namespace

TEST_CASE("a write is continued after interruptions and short transfers, until all of it is there") {
    const Scratch scratch;
    Unwilling files;
    std::vector<std::string> texts = {"", "one ", "two ", "", "three", ""};
    for (const std::size_t longest : {1UL, 3UL, 4UL, 8UL, 100UL}) {
        CAPTURE(longest);
        REQUIRE(::ftruncate(scratch.file.number(), 0) == 0);
        files.longest = longest;
        files.interruptions = 3;
        auto parts = parts_of(texts);
        CHECK(write_all(files, scratch.file.number(), parts.data(), parts.size(), 2) == 0);
        CHECK(scratch.content() == std::string("\0\0one two three", 15));

        std::string back(13, '?');
        files.interruptions = 2;
        CHECK(read_all(files, scratch.file.number(), back.data(), back.size(), 2) == 0);
        CHECK(back == "one two three");
    }
    auto nothing = parts_of(texts);
    files.stuck = true;
    CHECK(write_all(files, scratch.file.number(), nothing.data(), 1, 0) == 0);  // empty: no call at all
    CHECK(write_all(files, scratch.file.number(), nothing.data(), 0, 0) == 0);
}

TEST_CASE("a write of more parts than the kernel takes is made in several") {
    const Scratch scratch;
    Unwilling files;
    std::vector<std::string> texts(3 * IOV_MAX + 7, "ab");
    auto parts = parts_of(texts);
    CHECK(write_all(files, scratch.file.number(), parts.data(), parts.size(), 0) == 0);
    CHECK(files.most_parts == IOV_MAX);
    const auto content = scratch.content();
    CHECK(content.size() == texts.size() * 2);
    CHECK(content.find("aa") == std::string::npos);
}

TEST_CASE("a failed transfer tells its errno, one without progress that it is stuck, a file that ends that it is broken") {
    const Scratch scratch;
    Unwilling files;
    std::vector<std::string> texts = {"text"};
    char into[8];
    files.fault = ENOSPC;
    auto parts = parts_of(texts);
    CHECK(write_all(files, scratch.file.number(), parts.data(), 1, 0) == ENOSPC);
    files.fault = EIO;
    CHECK(read_all(files, scratch.file.number(), into, 1, 0) == EIO);
    files.fault = 0;
    files.stuck = true;
    parts = parts_of(texts);
    CHECK(write_all(files, scratch.file.number(), parts.data(), 1, 0) == ENOSPC);
    files.stuck = false;
    parts = parts_of(texts);
    REQUIRE(write_all(files, scratch.file.number(), parts.data(), 1, 0) == 0);
    CHECK(read_all(files, scratch.file.number(), into, 5, 0) == EIO);
    CHECK(read_all(files, scratch.file.number(), into, 4, 0) == 0);
}

TEST_CASE("a file that is allocated has its length and its blocks, and keeps what was in it") {
    const Scratch scratch;
    auto& files = real_file_system();
    std::vector<std::string> texts = {"kept"};
    auto parts = parts_of(texts);
    REQUIRE(write_all(files, scratch.file.number(), parts.data(), 1, 0) == 0);
    REQUIRE(files.fallocate(scratch.file.number(), 3 << 20) == 0);
    CHECK(files.size_of(scratch.file.number()) == 3 << 20);
    struct stat status{};
    REQUIRE(::fstat(scratch.file.number(), &status) == 0);
    CHECK(status.st_blocks * 512 >= 3 << 20);
    CHECK(scratch.content().substr(0, 6) == std::string("kept\0\0", 6));
}

TEST_CASE("files and folders are synced, renamed and removed") {
    const Scratch scratch;
    auto& files = real_file_system();
    CHECK(files.fdatasync(scratch.file.number()) == 0);
    CHECK(files.fdatasync(scratch.folder.number()) == 0);
    CHECK(files.renameat(scratch.folder.number(), "file", "renamed") == 0);
    CHECK(files.unlinkat(scratch.folder.number(), "file") == -1);
    CHECK(files.unlinkat(scratch.folder.number(), "renamed") == 0);
    CHECK(files.fdatasync(-1) == -1);
    CHECK(errno == EBADF);
}
