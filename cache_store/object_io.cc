#include "cache_store/object_io.h"

#include <sys/stat.h>

#include <cerrno>

namespace selvage::cache_store {
namespace {

int write_all(FileSystem& files, int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = files.write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        if (written == 0) return EIO;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

// Grows `into` by `bytes` of the file from its own length on. Torn when the file ends before.
std::expected<void, BadFile> read_more(FileSystem& files, int file, std::string& into, std::size_t offset, std::size_t bytes) {
    auto filled = into.size();
    into.resize(filled + bytes);
    while (filled < into.size()) {
        const auto got = files.pread(file, into.data() + filled, into.size() - filled, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(BadFile::Unreadable);
        if (got == 0) return std::unexpected(BadFile::Torn);
        filled += static_cast<std::size_t>(got);
        offset += static_cast<std::size_t>(got);
    }
    return {};
}

}  // namespace

int write_object(FileSystem& files, int file, const Key128& key, const Object& object) {
    if (const int fault = write_all(files, file, encode_head(key, object)); fault != 0) return fault;
    return object.body ? write_all(files, file, object.body->view()) : 0;
}

std::expected<Object, BadFile> read_object(FileSystem& files, int file, const Key128& key) {
    struct stat status{};
    if (::fstat(file, &status) != 0) return std::unexpected(BadFile::Unreadable);
    if (!S_ISREG(status.st_mode)) return std::unexpected(BadFile::NotOurs);

    std::string head;
    if (auto read = read_more(files, file, head, 0, kHeaderBytes); !read) return std::unexpected(read.error());
    const auto header = parse_header(head, static_cast<std::uint64_t>(status.st_size), key);
    if (!header) return std::unexpected(header.error());
    if (auto read = read_more(files, file, head, kHeaderBytes, header->meta_bytes); !read) return std::unexpected(read.error());
    std::string body;
    if (auto read = read_more(files, file, body, header->head_bytes(), header->body_bytes); !read) {
        return std::unexpected(read.error());
    }
    return assemble(*header, head, std::move(body));
}

}  // namespace selvage::cache_store
