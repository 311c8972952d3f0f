#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/http/body_reader.h"
#include "server/http/http2/request_fields.h"
#include "server/http/http2/window_watch.h"
#include "server/http/message.h"
#include "server/http/priority.h"

namespace selvage::http::h2 {

// One request and its answer, from its HEADERS until both sides are done.
struct Stream {
    std::uint32_t id = 0;

    Request request;
    RequestFields fields;
    bool consistent = true;  // no field contradicts itself
    std::uint64_t content_received = 0;
    std::int64_t receive_window = 0;
    bool request_ended = false;  // END_STREAM received
    bool report_due = false;     // the dispatcher was asked and not yet told how it went

    bool responded = false;
    bool head_due = false;  // responded, HEADERS not yet written
    bool bodiless = false;  // HEADERS end the stream
    std::uint64_t content_length = 0;
    Answer answer;
    BodyReader reader;
    std::int64_t send_window = 0;  // may be negative: RFC 9113 §6.9.2
    WindowWatch watch;
    Outcome outcome;
    Pending pending;
    bool answered = false;   // in full, while its request has not ended
    bool withdrawn = false;  // over for the client, not for whoever works on it

    // Is somebody at work on it, whom it must not be taken from?
    bool busy() const { return (pending && !responded) || reader.filling(); }

    // In SendQueue.
    Priority priority;
    bool queued = false;
    Stream* before = nullptr;
    Stream* after = nullptr;
};

// Streams that are not in use, shared by the connections of a loop: an idle connection holds none.
class StreamPool {
public:
    Stream* take() {  // until put()
        if (free_.empty()) return std::make_unique<Stream>().release();
        Stream* stream = free_.back().release();
        free_.pop_back();
        return stream;
    }

    void put(Stream* given_back) {
        std::unique_ptr<Stream> stream(given_back);
        constexpr std::size_t kKeep = 512;
        if (free_.size() >= kKeep) return;
        // What it held goes now; what it may need again (capacities) stays.
        stream->pending.reset();
        stream->fields.clear();
        stream->answer.head.reset();
        stream->answer.body.clear();
        if (stream->reader.left() > 0) stream->reader = BodyReader();  // at its end it has dropped everything itself
        free_.push_back(std::move(stream));
    }

private:
    std::vector<std::unique_ptr<Stream>> free_;
};

}  // namespace selvage::http::h2
