#include "server/http/body_reader.h"

#include <algorithm>

#include "server/http/growing_body.h"

namespace selvage::http {

namespace {

std::size_t smaller(std::uint64_t left, std::size_t right) { return left < right ? static_cast<std::size_t>(left) : right; }

}  // namespace

BodyReader::Peek BodyReader::peek(std::size_t want) {
    if (failed_) return {State::Failed, {}};
    if (left_ == 0) return {State::End, {}};
    if (offset_ == current().length) {
        if (const State state = next_run(); state != State::Ready) return {state, {}};
    }
    const Segment& segment = current();
    const std::uint64_t in_segment = segment.length - offset_;
    if (segment.bytes) {
        return {State::Ready, segment.bytes->view().substr(segment.offset + offset_, smaller(in_segment, want)), &segment.bytes};
    }
    if (chunk_begin_ == chunk_end_) {
        if (waiting_) return {State::Waiting, {}};
        const std::size_t size = smaller(in_segment, kChunk);
        if (chunk_size_ < size) {
            chunk_.reset(new char[size]);  // what is left of a small file is no reason to touch 128 KiB
            chunk_size_ = size;
        }
        took(segment.file->read_now(segment.offset + offset_, chunk_.get(), size));
        if (failed_) return {State::Failed, {}};
        if (waiting_) return {State::Waiting, {}};
    }
    return {State::Ready, {chunk_.get() + chunk_begin_, std::min(want, chunk_end_ - chunk_begin_)}};
}

void BodyReader::advance(std::size_t count) {
    offset_ += count;
    left_ -= count;
    if (!current().bytes) chunk_begin_ += count;
    if (left_ == 0) end();
}

// The references are dropped as soon as the last byte has been handed over.
void BodyReader::end() {
    body_.clear();
    chunk_.reset();
    chunk_size_ = 0;
    segment_ = 0;
    offset_ = 0;
}

void BodyReader::fill_later(loop::Loop& loop, loop::WorkPool& pool, std::move_only_function<void()> filled) {
    if (body_.grows()) {
        filling_ = body_.growing().wait(loop, piece_, [this, filled = std::move(filled)]() mutable {
            filling_ = {};
            filled();
        });
        return;
    }
    struct Filled {
        std::unique_ptr<char[]> chunk;
        std::variant<std::size_t, OpenFile::Failure> read;
    };
    const Segment& segment = current();
    const std::size_t size = smaller(segment.length - offset_, kChunk);
    // The chunk travels with the work: the thread may still be reading into it when this reader is gone.
    filling_ = pool.submit(
        loop, loop::WorkPool::Lane::Now,
        [file = segment.file, at = segment.offset + offset_, size, chunk = std::move(chunk_)]() mutable {
            const auto read = file->read_blocking(at, chunk.get(), size);
            return Filled{std::move(chunk), read};
        },
        [this, filled = std::move(filled)](Filled result) mutable {
            chunk_ = std::move(result.chunk);
            filling_ = {};
            took(result.read);
            filled();
        });
}

BodyReader::State BodyReader::next_run() {
    if (body_.grows()) return next_piece();
    do {
        ++segment_;
        offset_ = 0;
        chunk_begin_ = chunk_end_ = 0;
    } while (offset_ == current().length);
    return State::Ready;
}

BodyReader::State BodyReader::next_piece() {
    GrowingBody::Look next = body_.growing().look(piece_);
    // Once the whole is known, so is the rest: who frames it can mark the last byte.
    if (next.state == GrowingBody::State::Complete && left_ > next.size) left_ = next.size - (Body::kUnknownLength - left_);
    if (next.piece) {
        body_.show(std::move(next.piece));
        ++piece_;
        offset_ = 0;
        return State::Ready;
    }
    switch (next.state) {
        case GrowingBody::State::Growing:
            return State::Waiting;
        case GrowingBody::State::Failed:
            failed_ = true;
            return State::Failed;
        case GrowingBody::State::Complete:
            break;
    }
    end();
    return State::End;
}

void BodyReader::took(std::variant<std::size_t, OpenFile::Failure> read) {
    waiting_ = false;
    if (const auto* failure = std::get_if<OpenFile::Failure>(&read)) {
        waiting_ = *failure == OpenFile::Failure::WouldBlock;
        failed_ = !waiting_;
        return;
    }
    chunk_begin_ = 0;
    chunk_end_ = std::get<std::size_t>(read);
    failed_ = chunk_end_ == 0;  // shorter than it was: another version
}

}  // namespace selvage::http
