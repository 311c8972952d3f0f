#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <variant>

#include "server/http/message.h"
#include "server/loop/loop.h"
#include "server/loop/work_pool.h"

namespace selvage::http {

// Reads a body from its first byte to its last, for one stream. Memory segments are lent as they are; file segments pass through
// a chunk that is filled without blocking when the page cache has the bytes, and on the work pool when it has not. Of a body that
// grows, one piece after another is lent, and who is quicker than its producer waits for the next.
class BodyReader {
public:
    enum class State : std::uint8_t {
        Ready,    // `run` is not empty
        End,      // nothing is left
        Waiting,  // call fill_later()
        Failed,   // the file changed or broke, or what grows failed: the response must be cut off
    };
    struct Peek {
        State state;
        std::string_view run;           // contiguous bytes at the current position, at most `want`
        const BlobPtr* blob = nullptr;  // what they belong to, for who wants to keep them; null: a file's, good until advance()
    };

    BodyReader() = default;
    explicit BodyReader(Body body) : body_(std::move(body)), left_(body_.length()) {}

    Peek peek(std::size_t want);
    void advance(std::size_t count);              // at most the size of the last run
    std::uint64_t left() const { return left_; }  // of a body that grows: at most

    // Fills the chunk on the work pool, or waits for the next piece; then calls `filled` on the loop. Once at a time.
    void fill_later(loop::Loop& loop, loop::WorkPool& pool, std::move_only_function<void()> filled);
    bool filling() const { return static_cast<bool>(filling_); }
    bool awaits_producer() const { return filling() && body_.grows(); }

    // Nobody wants the body any more: instead of `filled`, `over` is called when no thread reads for it. Only while filling().
    void withdraw(std::move_only_function<void()> over) { filling_.withdraw(std::move(over)); }

private:
    // One blocking read of this size serves eight DATA frames.
    static constexpr std::size_t kChunk = 128 * 1024;

    const Segment& current() const { return body_.segment(segment_); }
    State next_run();
    State next_piece();
    void end();
    void took(std::variant<std::size_t, OpenFile::Failure> read);

    Body body_;
    std::size_t segment_ = 0;
    std::size_t piece_ = 0;     // the next one, of a body that grows
    std::uint64_t offset_ = 0;  // within the segment
    std::uint64_t left_ = 0;
    std::unique_ptr<char[]> chunk_;
    std::size_t chunk_size_ = 0;
    std::size_t chunk_begin_ = 0, chunk_end_ = 0;  // unread bytes of the chunk
    bool failed_ = false;
    bool waiting_ = false;
    loop::Operation filling_;
};

}  // namespace selvage::http
