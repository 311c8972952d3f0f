#include "server/representations/stored_file.h"

#include <algorithm>

namespace selvage::representations {

using cache_store::StoredBody;

std::variant<std::size_t, http::OpenFile::Failure> StoredFile::read_now(std::uint64_t offset, char* into,
                                                                        std::size_t size) const {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return Failure::WouldBlock;
    return read(&StoredBody::read_now, offset, into, size);
}

std::variant<std::size_t, http::OpenFile::Failure> StoredFile::read_blocking(std::uint64_t offset, char* into,
                                                                             std::size_t size) const {
    const std::lock_guard lock(mutex_);
    return read(&StoredBody::read, offset, into, size);
}

std::variant<std::size_t, http::OpenFile::Failure> StoredFile::read(Read part, std::uint64_t offset, char* into,
                                                                    std::size_t size) const {
    const std::uint64_t whole = body_->size();
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, whole - std::min(offset, whole)));
    std::size_t done = 0;
    while (done < wanted) {
        const auto count = ((*body_).*part)(offset + done, into + done, wanted - done);
        if (!count) return count.error() == StoredBody::Failure::WouldBlock ? Failure::WouldBlock : Failure::Broken;
        if (*count == 0) return Failure::Broken;
        done += *count;
    }
    return done;
}

}  // namespace selvage::representations
