#include "server/loop/buffer_pool.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace selvage::loop {

Buffer::Buffer() {
    pieces_.reserve(kMostPieces);
    front_.reserve(kMostPieces);
}

bool Buffer::append(std::string_view bytes) {
    if (bytes.empty()) return true;
    if (bytes.size() > kCapacity - used_) return false;
    char* const into = bytes_.get() + used_;
    const bool continues = pieces_.size() > gone_ && pieces_.back().bytes + pieces_.back().size == into;
    if (!continues && pieces_.size() == kMostPieces) return false;
    std::memcpy(into, bytes.data(), bytes.size());
    used_ += bytes.size();
    size_ += bytes.size();
    if (continues) {
        pieces_.back().size += bytes.size();
    } else {
        pieces_.push_back({.bytes = into, .size = bytes.size(), .keeps = nullptr, .by_pages = false});
    }
    return true;
}

bool Buffer::append(Shared shared) {
    if (shared.bytes.empty()) return true;
    if (!takes_shared()) return false;
    size_ += shared.bytes.size();
    pieces_.push_back({.bytes = shared.bytes.data(),
                       .size = shared.bytes.size(),
                       .keeps = std::move(shared.keeps),
                       .by_pages = shared.by_pages});
    return true;
}

Buffer::Front Buffer::front() {
    const bool by_pages = pieces_[gone_].by_pages;
    front_.clear();
    std::size_t size = 0;
    for (std::size_t i = gone_; i < pieces_.size() && pieces_[i].by_pages == by_pages; ++i) {
        front_.push_back({.iov_base = const_cast<char*>(pieces_[i].bytes), .iov_len = pieces_[i].size});
        size += pieces_[i].size;
        if (by_pages) break;
    }
    return {.pieces = front_, .size = size, .by_pages = by_pages, .last = size == size_};
}

void Buffer::consume(std::size_t count) {
    size_ -= count;
    if (size_ == 0) return clear();
    while (count > 0) {
        Piece& first = pieces_[gone_];
        const std::size_t part = std::min(count, first.size);
        first.bytes += part;
        first.size -= part;
        count -= part;
        if (first.size > 0) return;
        first.keeps.reset();
        ++gone_;
    }
}

void Buffer::clear() {
    pieces_.clear();
    used_ = size_ = gone_ = 0;
}

BufferPtr BufferPool::take() {
    if (free_.empty()) return BufferPtr(new Buffer, ReturnBuffer{this});
    std::unique_ptr<Buffer> buffer = std::move(free_.back());
    free_.pop_back();
    return BufferPtr(buffer.release(), ReturnBuffer{this});
}

void ReturnBuffer::operator()(Buffer* buffer) const {
    std::unique_ptr<Buffer> owned(buffer);
    owned->clear();
    if (pool->free_.size() < BufferPool::kKeep) pool->free_.push_back(std::move(owned));
}

}  // namespace selvage::loop
