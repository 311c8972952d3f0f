#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/file_descriptor.h"
#include "base/log.h"
#include "cache_store/file_system.h"
#include "cache_store/purge/purge_table.h"

namespace selvage::cache_store::test {

// A folder that goes away with the test.
class PurgeFolder {
public:
    PurgeFolder() {
        char name[] = "/tmp/selvage-purge-XXXXXX";
        path_ = ::mkdtemp(name);
        descriptor_ = FileDescriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    ~PurgeFolder() { std::filesystem::remove_all(path_); }
    PurgeFolder(const PurgeFolder&) = delete;
    PurgeFolder& operator=(const PurgeFolder&) = delete;

    int descriptor() const { return descriptor_.number(); }
    std::string journal() const {  // the one file that is there
        for (const char* name : {"/purges.0", "/purges.1"}) {
            if (std::filesystem::exists(path_ + name)) return path_ + name;
        }
        return {};
    }
    int journals() const { return std::filesystem::exists(path_ + "/purges.0") + std::filesystem::exists(path_ + "/purges.1"); }
    const std::string& path() const { return path_; }

    static std::string read(const std::string& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static void write(const std::string& file, std::string_view bytes) {
        std::ofstream(file, std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }

private:
    std::string path_;
    FileDescriptor descriptor_;
};

// The real one, until it is told to fail.
class FailingFiles final : public FileSystem {
public:
    int write_errno = 0, sync_errno = 0, create_errno = 0;
    int writes = 0, syncs = 0;

    int openat(int folder, const char* name, int flags, mode_t mode) override {
        if ((flags & O_CREAT) != 0 && failed(create_errno)) return -1;
        return real_.openat(folder, name, flags, mode);
    }
    ssize_t preadv2(int file, const iovec* parts, int count, off_t offset, int flags) override {
        return real_.preadv2(file, parts, count, offset, flags);
    }
    ssize_t pwritev(int file, const iovec* parts, int count, off_t offset) override {
        ++writes;
        if (failed(write_errno)) return -1;
        return real_.pwritev(file, parts, count, offset);
    }
    int fallocate(int file, off_t bytes) override { return real_.fallocate(file, bytes); }
    off_t size_of(int file) override { return real_.size_of(file); }
    int fdatasync(int file) override {
        ++syncs;
        if (failed(sync_errno)) return -1;
        return real_.fdatasync(file);
    }
    int close(int file) override { return real_.close(file); }
    int renameat(int folder, const char* from, const char* to) override { return real_.renameat(folder, from, to); }
    int unlinkat(int folder, const char* name) override { return real_.unlinkat(folder, name); }

private:
    static bool failed(int error) {
        errno = error;
        return error != 0;
    }
    FileSystem& real_ = real_file_system();
};

inline Log& silent() {
    static Log log(2, LogLevel::Off);
    return log;
}

inline Tag label(int number) { return tag_of(TagKind::Label, std::to_string(number)); }
inline Purge hard(std::vector<Tag> tags) {
    return {.effect = Purge::Effect::Hard, .everything = false, .tags = std::move(tags), .globs = {}};
}
inline Purge soft(std::vector<Tag> tags) {
    return {.effect = Purge::Effect::Soft, .everything = false, .tags = std::move(tags), .globs = {}};
}
inline Purge hard_glob(std::string glob) {
    return {.effect = Purge::Effect::Hard, .everything = false, .tags = {}, .globs = {std::move(glob)}};
}
inline Purge everything(Purge::Effect effect = Purge::Effect::Hard) {
    return {.effect = effect, .everything = true, .tags = {}, .globs = {}};
}

inline Floor floor_of(const PurgeTable& table, Tag tag, std::string_view path = {}) {
    return table.floor_of(std::span(&tag, 1), path);
}

}  // namespace selvage::cache_store::test
