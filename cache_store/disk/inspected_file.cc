#include "cache_store/disk/inspected_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace selvage::cache_store {
namespace {

constexpr std::size_t kWindow = 1U << 20;

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

}  // namespace

std::optional<InspectedFile> InspectedFile::open(int folder, const std::string& name) {
    FileDescriptor file(::openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file) return std::nullopt;
    struct stat status{};
    if (::fstat(file.number(), &status) != 0) return std::nullopt;
    if (!S_ISREG(status.st_mode)) {
        errno = EINVAL;
        return std::nullopt;
    }
    InspectedFile opened(std::move(file));
    opened.bytes_ = static_cast<std::uint64_t>(status.st_size);
    opened.blocks_ = static_cast<std::uint64_t>(status.st_blocks) * 512;
    return opened;
}

InspectedFile::Stamp InspectedFile::stamp() const {
    struct stat status{};
    if (::fstat(file_.number(), &status) != 0) return {};
    return {.modified = nanoseconds(status.st_mtim),
            .changed = nanoseconds(status.st_ctim),
            .bytes = static_cast<std::uint64_t>(status.st_size)};
}

std::string_view InspectedFile::read(std::uint64_t offset, std::size_t bytes) {
    const bool inside =
        offset >= window_at_ && offset - window_at_ <= window_.size() && window_.size() - (offset - window_at_) >= bytes;
    if (!inside) fill(offset, std::max(bytes, kWindow));
    return std::string_view(window_).substr(offset - window_at_, bytes);
}

void InspectedFile::fill(std::uint64_t offset, std::size_t bytes) {
    window_at_ = offset;
    window_.resize(offset < bytes_ ? std::min<std::uint64_t>(bytes, bytes_ - offset) : 0);
    std::size_t filled = 0;
    while (filled < window_.size()) {
        const auto got =
            ::pread(file_.number(), window_.data() + filled, window_.size() - filled, static_cast<off_t>(offset + filled));
        if (got < 0 && errno == EINTR) continue;
        failed_ = failed_ || got < 0;
        if (got <= 0) break;
        filled += static_cast<std::size_t>(got);
    }
    window_.resize(filled);
}

}  // namespace selvage::cache_store
