#include "server/http/http2/send_queue.h"

#include <bit>

namespace selvage::http::h2 {

void SendQueue::add(Stream& stream) {
    if (stream.queued) return;
    List& list = lists_[place_of(stream)];
    // In the order of requests, which is nearly always that of coming here: the search ends at once.
    Stream* next = nullptr;
    if (!stream.priority.incremental) {
        for (Stream* at = list.last; at && at->id > stream.id; at = at->before) next = at;
    }
    link_before(list, stream, next);
    occupied_ |= 1U << place_of(stream);
    stream.queued = true;
    ++size_;
    heads_due_ += stream.head_due;
}

void SendQueue::link_before(List& list, Stream& stream, Stream* next) {
    stream.after = next;
    stream.before = next ? next->before : list.last;
    (stream.before ? stream.before->after : list.first) = &stream;
    (next ? next->before : list.last) = &stream;
}

void SendQueue::remove(Stream& stream) {
    if (!stream.queued) return;
    List& list = lists_[place_of(stream)];
    (stream.before ? stream.before->after : list.first) = stream.after;
    (stream.after ? stream.after->before : list.last) = stream.before;
    stream.before = stream.after = nullptr;
    stream.queued = false;
    if (!list.first) occupied_ &= ~(1U << place_of(stream));
    --size_;
    heads_due_ -= stream.head_due;
}

void SendQueue::rotate(Stream& stream) {
    if (!stream.priority.incremental || !stream.after) return;
    remove(stream);
    add(stream);
}

Stream* SendQueue::front() const { return occupied_ == 0 ? nullptr : lists_[std::countr_zero(occupied_)].first; }

Stream* SendQueue::next_head_due() const {
    if (heads_due_ == 0) return nullptr;
    for (const List& list : lists_) {
        for (Stream* stream = list.first; stream; stream = stream->after) {
            if (stream->head_due) return stream;
        }
    }
    return nullptr;
}

void SendQueue::head_written(Stream& stream) {
    stream.head_due = false;
    if (stream.queued) --heads_due_;
}

}  // namespace selvage::http::h2
