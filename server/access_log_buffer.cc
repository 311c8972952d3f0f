#include "server/access_log_buffer.h"

#include <algorithm>
#include <utility>

namespace selvage::server {

LineBuffer::LineBuffer(std::size_t most, std::size_t ready) : most_(most) {
    chunks_.reserve(most / kChunk + 1);
    while (chunks_.size() < std::max<std::size_t>(ready, 1)) {
        Chunk* chunk = make(kChunk);
        chunk->below = std::exchange(unused_, chunk);
    }
    first_ = last_ = std::exchange(unused_, unused_->below);
    at_ = last_->bytes.get();
    end_ = at_ + kChunk;
}

LineBuffer::Chunk* LineBuffer::make(std::size_t size) {
    chunks_.push_back(std::make_unique<Chunk>(size));
    held_ += size;
    return chunks_.back().get();
}

void LineBuffer::forget(const Chunk* chunk) {
    held_ -= chunk->capacity;
    std::erase_if(chunks_, [chunk](const auto& each) { return each.get() == chunk; });
}

char* LineBuffer::next_room(std::size_t size) {
    Chunk* chunk = unused(size);
    if (!chunk) return nullptr;
    chunk->next.store(nullptr, std::memory_order_relaxed);
    chunk->filled.store(0, std::memory_order_relaxed);
    last_->next.store(chunk, std::memory_order_release);
    last_ = chunk;
    ++full_;
    at_ = chunk->bytes.get();
    end_ = at_ + chunk->capacity;
    return at_;
}

LineBuffer::Chunk* LineBuffer::unused(std::size_t size) {
    if (!unused_) unused_ = given_back_.exchange(nullptr, std::memory_order_acquire);
    if (unused_ && unused_->capacity >= size) [[likely]]
        return std::exchange(unused_, unused_->below);
    const std::size_t wanted = std::max(size, kChunk);
    // A line that is longer than a chunk gets one of its own, in the place of others where there is no room beside them.
    while (held_ + wanted > most_ && unused_) forget(std::exchange(unused_, unused_->below));
    return held_ + wanted > most_ ? nullptr : make(wanted);
}

void LineBuffer::give_back(Chunk* chunk) {
    chunk->below = given_back_.load(std::memory_order_relaxed);
    while (!given_back_.compare_exchange_weak(chunk->below, chunk, std::memory_order_release, std::memory_order_relaxed)) {
    }
}

void LineBuffer::drain(Take take, const std::function<void(std::string_view)>& write) {
    // No more than there can be at once: a maker that is as fast as the disk must not keep the lines of others waiting.
    for (std::size_t turns = most_ / kChunk + 1; turns > 0; --turns) {
        Chunk* next = first_->next.load(std::memory_order_acquire);
        if (!next && take == Take::FullChunks) return;
        const std::size_t filled = first_->filled.load(std::memory_order_acquire);  // after `next`: then it is final
        if (filled > written_) write({first_->bytes.get() + written_, filled - written_});
        written_ = filled;
        if (!next) return;
        give_back(std::exchange(first_, next));
        written_ = 0;
        drained_.fetch_add(1, std::memory_order_relaxed);
    }
}

}  // namespace selvage::server
