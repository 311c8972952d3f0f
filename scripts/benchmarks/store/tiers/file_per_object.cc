#include "file_per_object.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace selvage::bench {
namespace {

// ngx_http_file_cache_header_t of 1.22.1 takes 336 bytes; these fields of it are looked at.
struct Header {
    std::uint64_t version = 5;
    std::int64_t valid_sec = INT64_MAX;
    std::uint32_t crc32 = 0;
    std::uint16_t header_start = 0, body_start = 0;
    std::array<char, 312> rest{};  // entity tag, Vary, variant
};
static_assert(sizeof(Header) == 336);

constexpr std::string_view kKeyLine = "\nKEY: http://127.0.0.1:8080/assets/";

[[noreturn]] void stop(const std::string& what) {
    std::perror(what.c_str());
    std::exit(1);
}

std::uint32_t crc_of(const Key128& key) { return static_cast<std::uint32_t>(key.high ^ key.low); }  // known before a look-up

Key128 key_in(const std::string& name) {
    Key128 key;
    std::from_chars(name.data(), name.data() + 16, key.high, 16);
    std::from_chars(name.data() + 16, name.data() + 32, key.low, 16);
    return key;
}

}  // namespace

FilePerObject::FilePerObject(std::string folder, std::uint64_t limit) : folder_(std::move(folder)), block_bytes_(4096) {
    mkdir(folder_.c_str(), 0700);
    struct statfs system{};
    if (statfs(folder_.c_str(), &system) == 0) block_bytes_ = static_cast<std::uint64_t>(system.f_bsize);
    limit_ = limit / block_bytes_;
}

std::string FilePerObject::path_of(const Key128& key) const {
    const std::string name = hex(key);
    std::string path;
    path.reserve(folder_.size() + 48);
    path.append(folder_).append("/").append(name, 31, 1).append("/").append(name, 29, 2).append("/").append(name);
    return path;
}

FileDescriptor FilePerObject::create(const std::string& final_path, std::string& temporary) {
    temporary = fmt::format("{}.{:010}", final_path, ++temporaries_);
    const auto open_it = [&] { return FileDescriptor(open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)); };
    FileDescriptor file = open_it();
    if (!file && errno == ENOENT) {
        mkdir(final_path.substr(0, folder_.size() + 2).c_str(), 0700);
        mkdir(final_path.substr(0, folder_.size() + 5).c_str(), 0700);
        file = open_it();
    }
    if (!file) stop(temporary);
    return file;
}

void FilePerObject::put(const Key128& key, const cache_store::ObjectPtr& object) {
    const auto body = object->body->view();
    std::string head(sizeof(Header), '\0');
    head.append(kKeyLine).append(hex(key)).append("\n");
    Header header{.crc32 = crc_of(key), .header_start = static_cast<std::uint16_t>(head.size())};
    head.append(object->meta);
    header.body_start = static_cast<std::uint16_t>(head.size());
    std::memcpy(head.data(), &header, sizeof header);

    const std::string path = path_of(key);
    std::string temporary;
    const FileDescriptor file = create(path, temporary);
    const iovec parts[] = {{head.data(), head.size()}, {const_cast<char*>(body.data()), body.size()}};
    if (pwritev(file.number(), parts, 2, 0) != static_cast<ssize_t>(head.size() + body.size())) stop("file per object: pwritev");
    struct stat status{};
    if (chmod(temporary.c_str(), 0600) != 0 || rename(temporary.c_str(), path.c_str()) != 0 || fstat(file.number(), &status) != 0)
        stop("file per object: rename");
    remember(key, header.body_start, static_cast<std::uint64_t>(status.st_size));
    evict();
}

void FilePerObject::remember(const Key128& key, std::uint16_t body_start, std::uint64_t bytes) {
    const std::uint64_t blocks = (bytes + block_bytes_ - 1) / block_bytes_;
    const auto [place, is_new] = index_.try_emplace(key);
    if (!is_new) {
        used_ -= place->second->blocks;
        order_.erase(place->second);
    }
    order_.push_front({key, blocks, body_start});
    place->second = order_.begin();
    used_ += blocks;
}

void FilePerObject::evict() {
    while (used_ > limit_ && !order_.empty()) {
        const Node last = order_.back();
        index_.erase(last.key);
        order_.pop_back();
        if (unlink(path_of(last.key).c_str()) != 0) stop("file per object: unlink");
        used_ -= last.blocks;
        ++evicted_;
    }
}

void FilePerObject::shrink(std::uint64_t bytes) {
    limit_ = bytes / block_bytes_;
    evict();
}

Contender::Read FilePerObject::read(const Key128& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return {};
    order_.splice(order_.begin(), order_, found->second);
    const FileDescriptor file(open(path_of(key).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    struct stat status{};
    if (!file || fstat(file.number(), &status) != 0) return {};

    char head[1024];
    auto& body_start = found->second->body_start;
    Header header;
    if (pread(file.number(), head, body_start == 0 ? sizeof head : body_start, 0) < static_cast<ssize_t>(sizeof header))
        return {};
    std::memcpy(&header, head, sizeof header);
    if (header.crc32 != crc_of(key) || header.valid_sec < 0) return {};
    body_start = header.body_start;

    const auto bytes = static_cast<std::size_t>(status.st_size) - body_start;
    const std::shared_ptr<char> body(static_cast<char*>(std::malloc(bytes)), std::free);
    if (pread(file.number(), body.get(), bytes, body_start) != static_cast<ssize_t>(bytes)) return {};
    return {.owner = body, .body = {body.get(), bytes}};
}

void FilePerObject::walk() { walk(folder_, 0); }

void FilePerObject::walk(const std::string& folder, int depth) {
    DIR* listing = opendir(folder.c_str());
    if (listing == nullptr) stop(folder);
    while (const dirent* entry = readdir(listing)) {
        const std::string name = entry->d_name;
        if (name == "." || name == "..") continue;
        const std::string path = folder + "/" + name;
        struct stat status{};
        if (stat(path.c_str(), &status) != 0) continue;
        if (S_ISDIR(status.st_mode)) {
            if (depth < 2) walk(path, depth + 1);
        } else if (name.size() == 32) {
            remember(key_in(name), 0, static_cast<std::uint64_t>(status.st_size));
        }
    }
    closedir(listing);
}

}  // namespace selvage::bench
