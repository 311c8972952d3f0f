#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace selvage::server {

// Lines on their way from the one thread that makes them to the one that writes them out, without a lock: a chain of chunks. The
// first appends to the last chunk; the other takes what is there, also of a chunk that is still being filled.
//
// Chunks that were written out are used again, the last written first, so that a loop whose lines keep being written stays
// within the few that are in its cache.
class LineBuffer {
public:
    // About 200 lines: what a write(2) costs beyond its bytes is below 2 ns a line.
    static constexpr std::size_t kChunk = 64 << 10;

    // `most`: bytes held at once. `ready`: chunks that are there from the start, so that none is allocated under load.
    LineBuffer(std::size_t most, std::size_t ready);
    LineBuffer(const LineBuffer&) = delete;
    LineBuffer& operator=(const LineBuffer&) = delete;

    // The maker's end.
    //
    // Where `size` bytes may be written, in the chunk begun; null when it is full.
    char* room(std::size_t size) { return static_cast<std::size_t>(end_ - at_) >= size ? at_ : nullptr; }
    // The same in another chunk; null when `most` bytes are waiting.
    char* next_room(std::size_t size);
    // What was written there, to its end, is the other thread's from now on.
    void publish(char* end) {
        at_ = end;
        last_->filled.store(static_cast<std::size_t>(end - last_->bytes.get()), std::memory_order_release);
    }
    // Full chunks that wait, about: the other thread may just be taking one.
    std::size_t waiting() const { return full_ - drained_.load(std::memory_order_relaxed); }

    // The writer's end.
    enum class Take : std::uint8_t { FullChunks, Everything };
    void drain(Take take, const std::function<void(std::string_view)>& write);

private:
    struct Chunk {
        explicit Chunk(std::size_t size) : capacity(size), bytes(std::make_unique_for_overwrite<char[]>(size)) {}

        const std::size_t capacity;
        const std::unique_ptr<char[]> bytes;
        Chunk* below = nullptr;              // in the stack of those that were written
        std::atomic<Chunk*> next{nullptr};   // set once it is full
        std::atomic<std::size_t> filled{0};  // whole lines
    };

    Chunk* unused(std::size_t size);
    Chunk* make(std::size_t size);
    void forget(const Chunk* chunk);
    void give_back(Chunk* chunk);

    const std::size_t most_;

    // The maker's.
    char* at_ = nullptr;
    char* end_ = nullptr;
    Chunk* last_ = nullptr;
    Chunk* unused_ = nullptr;
    std::size_t full_ = 0;  // counted from the start
    std::size_t held_ = 0;  // bytes
    std::vector<std::unique_ptr<Chunk>> chunks_;

    // The writer's, and what it shares.
    alignas(128) Chunk* first_ = nullptr;
    std::size_t written_ = 0;  // of first_
    std::atomic<std::size_t> drained_{0};
    std::atomic<Chunk*> given_back_{nullptr};  // a stack: one thread pushes, the other takes all
};

}  // namespace selvage::server
