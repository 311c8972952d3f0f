#pragma once

#include <array>
#include <cstddef>

#include "server/http/http2/stream.h"

namespace selvage::http::h2 {

// The streams of a connection that have something to send, in the order of RFC 9218 §10: the most urgent first; of one urgency
// those that are wanted whole before those that are useful in pieces, the former in the order of their requests, the latter in
// turns. Does not own them.
class SendQueue {
public:
    void add(Stream& stream);
    void remove(Stream& stream);  // nothing happens when it is not queued
    void rotate(Stream& stream);  // it had its turn

    Stream* front() const;  // null: empty
    bool empty() const { return size_ == 0; }
    std::size_t heads_due() const { return heads_due_; }
    Stream* next_head_due() const;  // null: none
    void head_written(Stream& stream);

private:
    struct List {
        Stream* first = nullptr;
        Stream* last = nullptr;
    };
    static std::size_t place_of(const Stream& stream) {
        return 2 * stream.priority.urgency + (stream.priority.incremental ? 1 : 0);
    }
    void link_before(List& list, Stream& stream, Stream* next);

    std::array<List, 2 * kUrgencies> lists_;
    std::uint32_t occupied_ = 0;  // a bit per list
    std::uint32_t size_ = 0;
    std::uint32_t heads_due_ = 0;
};

}  // namespace selvage::http::h2
