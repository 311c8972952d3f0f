#pragma once

#include <memory>
#include <mutex>

#include "cache_store/store.h"
#include "server/http/message.h"

namespace selvage::representations {

// A stored representation that is too large for memory, sent from the disk tier in parts like any file; ranges as well. Shared by
// all who are sent it at the same time: what another one is just reading would block, and is read on the work pool.
class StoredFile final : public http::OpenFile {
public:
    explicit StoredFile(std::shared_ptr<cache_store::StoredBody> body) : body_(std::move(body)) {}

    std::uint64_t size() const override { return body_->size(); }
    std::variant<std::size_t, Failure> read_now(std::uint64_t offset, char* into, std::size_t size) const override;
    std::variant<std::size_t, Failure> read_blocking(std::uint64_t offset, char* into, std::size_t size) const override;

private:
    using Read = std::expected<std::size_t, cache_store::StoredBody::Failure> (cache_store::StoredBody::*)(std::uint64_t, char*,
                                                                                                           std::size_t);
    // mutex_ held. Over the ends of parts, where a single read is short.
    std::variant<std::size_t, Failure> read(Read part, std::uint64_t offset, char* into, std::size_t size) const;

    const std::shared_ptr<cache_store::StoredBody> body_;
    mutable std::mutex mutex_;  // one read at a time
};

}  // namespace selvage::representations
