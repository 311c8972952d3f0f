// Answers into frames: heads encoded before, bodies straight from where they are, in the order of the queue.
#include <algorithm>
#include <charconv>
#include <cstring>

#include "server/http/http2/http2_session.h"
#include "server/http/status_line.h"

namespace selvage::http::h2 {

namespace {

// A DATA frame whose header and payload fill one 16 KiB TLS record exactly (connection-layer §4).
constexpr std::size_t kDataPayload = kLargestFrame - kFrameHeader;

char* put(std::string_view text, char* at) {
    std::memcpy(at, text.data(), text.size());
    return at + text.size();
}

// RFC 7541 appendix A has seven statuses; the others name their entry and bring the value.
char* put_status(std::uint16_t status, char* at) {
    constexpr std::pair<std::uint16_t, std::uint8_t> kStatic[] = {{200, 0x88}, {304, 0x8b}, {204, 0x89}, {206, 0x8a},
                                                                  {404, 0x8d}, {400, 0x8c}, {500, 0x8e}};
    for (const auto& [known, byte] : kStatic) {
        if (known != status) continue;
        *at = static_cast<char>(byte);
        return at + 1;
    }
    return put(status_text(status), put("\x08\x03", at));
}

// A string literal as it is: RFC 7541 §5.2.
char* put_text(std::string_view text, char* at) {
    constexpr std::size_t kMost = 0x7f;
    if (text.size() < kMost) {
        *at++ = static_cast<char>(text.size());
        return put(text, at);
    }
    *at++ = static_cast<char>(kMost);
    std::size_t rest = text.size() - kMost;
    for (; rest >= 0x80; rest >>= 7) *at++ = static_cast<char>(0x80 | (rest & 0x7f));
    *at++ = static_cast<char>(rest);
    return put(text, at);
}

char* put_content_length(std::uint64_t length, char* at) {
    at = put("\x0f\x0d", at);  // a literal with the name of the static entry 28
    char* const end = std::to_chars(at + 1, at + 21, length).ptr;
    *at = static_cast<char>(end - at - 1);
    return end;
}

// By verdict. The numbers are given out once per process.
SharedField cache_status_field(Verdict verdict) {
    static const auto kFields = [] {
        std::array<SharedField, kVerdicts> fields{};
        for (std::size_t i = 0; i < fields.size(); ++i) {
            fields[i] = share_field("cache-status", cache_status(static_cast<Verdict>(i)));
        }
        return fields;
    }();
    return kFields[static_cast<std::size_t>(verdict)];
}

}  // namespace

void Http2Session::respond(Stream& stream, Answer&& answer) {
    stream.answer = std::move(answer);
    Answer& reply = stream.answer;
    stream.outcome.status = reply.status;
    stream.outcome.verdict = reply.verdict;
    stream.outcome.coding = reply.head->coding();
    stream.outcome.fill_time = reply.fill_time;
    stream.content_length = reply.content_length.value_or(reply.body.length());
    stream.bodiless = stream.request.method == Method::Head || reply.body.length() == 0;
    if (!stream.bodiless) stream.reader = BodyReader(std::move(reply.body));
    stream.responded = stream.head_due = true;
    ++responding_;
    prioritise(stream);
    queue(stream);
}

// The client's word, the field or a PRIORITY_UPDATE that came before (RFC 9218 §7); else what such a body is mostly wanted for.
void Http2Session::prioritise(Stream& stream) {
    const Field* field = stream.request.fields.find("priority");
    client_prioritises_ |= field != nullptr;
    stream.priority = {.urgency = client_prioritises_ ? kDefaultUrgency : stream.answer.head->urgency(), .incremental = false};
    if (field) stream.priority = parse_priority(field->value).value_or(stream.priority);
    if (!early_priorities_.empty()) {
        const auto early = std::ranges::find(early_priorities_, stream.id, &EarlyPriority::id);
        if (early != early_priorities_.end()) {
            stream.priority = early->priority;
            early_priorities_.erase(early);
        }
    }
    // An answer without content costs nobody anything.
    if (stream.bodiless) stream.priority = {.urgency = 0, .incremental = false};
}

void Http2Session::change_priority(Stream& stream, Priority priority) {
    if (stream.answered) return;
    if (!stream.responded) {  // its answer will ask
        std::erase_if(early_priorities_, [&](const EarlyPriority& early) { return early.id == stream.id; });
        early_priorities_.push_back({stream.id, priority});
        return;
    }
    if (stream.bodiless) return;
    const bool queued = stream.queued;
    queue_.remove(stream);
    stream.priority = priority;
    if (queued) queue_.add(stream);
}

void Http2Session::queue(Stream& stream) {
    if (!stream.responded || stream.reader.filling()) return;
    if (stream.head_due || stream.send_window > 0) queue_.add(stream);
}

bool Http2Session::wants_output() const {
    return !control_.empty() || queue_.heads_due() > 0 || (send_window_ > 0 && !queue_.empty());
}

void Http2Session::produce(Output& output) {
    if (!wants_output()) return;
    now_ = loop::Loop::precise();
    while (output.room() >= kLargestFrame) {
        if (!control_.empty()) {
            write_control(output);
            if (control_.capacity() > 1'024) control_.shrink_to_fit();
        }
        // With the connection's window closed, the heads still go: a client may open it only for what it has seen.
        Stream* stream = send_window_ > 0 ? queue_.front() : queue_.next_head_due();
        if (!stream) break;
        const bool head = stream->head_due;
        if (head) write_head(*stream, output);
        if (head && stream->bodiless) {
            sent(*stream);
        } else if (stream->send_window <= 0) {
            queue_.remove(*stream);
        } else if (send_window_ > 0) {
            write_data(*stream, output);
        }
    }
    // What the last streams left to say.
    if (!control_.empty() && output.room() >= control_.size()) write_control(output);
}

void Http2Session::write_control(Output& output) {
    output.append(control_);
    control_.clear();
    conduct_.acknowledged();
}

void Http2Session::write_head(Stream& stream, Output& output) {
    Http2Shared& shared = context_.http2;
    if (const std::string_view date = context_.dispatcher.date(); date != shared.date) {
        shared.date = date;
        shared.date_field = encode_literal("date", date);
    }
    std::string& block = shared.block;
    if (const std::size_t bound = kFrameHeader + head_bound(stream.answer); block.size() < bound) block.resize(bound);
    const auto size = static_cast<std::size_t>(put_head(stream, block.data() + kFrameHeader) - block.data()) - kFrameHeader;
    queue_.head_written(stream);
    stream.outcome.first_byte = now_;
    const std::uint8_t end_stream = stream.bodiless ? flag::kEndStream : 0;
    if (size <= kLargestFrame) {
        const auto flags = static_cast<std::uint8_t>(flag::kEndHeaders | end_stream);
        write_frame_header(block.data(), size, FrameType::Headers, flags, stream.id);
        output.append({block.data(), kFrameHeader + size});
        return;
    }
    // An operator's rule may make a head that needs CONTINUATION (§6.10).
    std::string_view rest = std::string_view(block).substr(kFrameHeader, size);
    for (FrameType type = FrameType::Headers; !rest.empty(); type = FrameType::Continuation) {
        const std::string_view fragment = rest.substr(0, kLargestFrame);
        rest.remove_prefix(fragment.size());
        const std::uint8_t last = rest.empty() ? flag::kEndHeaders : 0;
        char header[kFrameHeader];
        write_frame_header(header, fragment.size(), type,
                           static_cast<std::uint8_t>(last | (type == FrameType::Headers ? end_stream : 0)), stream.id);
        output.append({header, sizeof header});
        output.append(fragment);
    }
}

// What put_head() writes at most: a byte each for a table that was given up and for a known status, 5 for another one; 23 for the
// length.
std::size_t Http2Session::head_bound(const Answer& answer) const {
    constexpr std::size_t kRest = 64;
    std::size_t bound = kRest + context_.http2.date_field.size() + answer.head->http2().literals().size() +
                        (answer.head->http2().shared().size() + 1) * kMostSharedBytes;
    for (std::size_t i = 0; i < answer.extra.size(); ++i) {
        constexpr std::size_t kLengths = 16;
        bound += answer.extra.at(i).name.size() + answer.extra.at(i).value.size() + kLengths;
    }
    return bound;
}

char* Http2Session::put_head(const Stream& stream, char* at) {
    const Answer& answer = stream.answer;
    at = put_status(answer.status, shared_fields_.begin(at));
    at = put(context_.http2.date_field, at);
    const HeadBlock& head = answer.head->http2();
    at = put(head.literals(), at);
    for (const SharedField field : head.shared()) at = shared_fields_.write(field, at);
    for (std::size_t i = 0; i < answer.extra.size(); ++i) {
        const Field field = answer.extra.at(i);
        *at++ = '\0';  // a literal with a new name that leaves the table alone: RFC 7541 §6.2.2
        at = put_text(field.value, put_text(field.name, at));
    }
    if (const SharedField field = cache_status_field(answer.verdict)) at = shared_fields_.write(field, at);
    const bool silent = answer.status == 204 || answer.status == 304 || stream.content_length == Body::kUnknownLength;
    return silent ? at : put_content_length(stream.content_length, at);
}

void Http2Session::write_data(Stream& stream, Output& output) {
    const auto window = static_cast<std::size_t>(std::min(stream.send_window, send_window_));
    const BodyReader::Peek next = stream.reader.peek(std::min(kDataPayload, window));
    switch (next.state) {
        case BodyReader::State::Failed:  // the client must not take it for whole
            return reset(stream, ErrorCode::InternalError);
        case BodyReader::State::Waiting:
            return fill(stream);
        case BodyReader::State::End:  // of what has grown: an empty frame says so
        case BodyReader::State::Ready:
            break;
    }
    const std::size_t size = next.run.size();
    const bool last = size == stream.reader.left();
    char header[kFrameHeader];
    write_frame_header(header, size, FrameType::Data, last ? flag::kEndStream : 0, stream.id);
    output.append({header, sizeof header});
    output.append(next.run);
    stream.reader.advance(size);
    stream.outcome.body_bytes += size;
    stream.send_window -= static_cast<std::int64_t>(size);
    send_window_ -= static_cast<std::int64_t>(size);
    if (last) return sent(stream);
    if (stream.send_window <= 0) return queue_.remove(stream);
    queue_.rotate(stream);
}

// Its bytes are not in the page cache, or not made yet: others go on meanwhile.
void Http2Session::fill(Stream& stream) {
    queue_.remove(stream);
    stream.reader.fill_later(context_.loop, context_.pool,
                             [this, &stream, grows = stream.content_length == Body::kUnknownLength] {
                                 awaiting_producer_ -= grows;
                                 queue(stream);
                                 context_.wake();
                             });
    awaiting_producer_ += stream.reader.awaits_producer();
}

void Http2Session::sent(Stream& stream) {
    report(stream, true);
    if (stream.request_ended) return close(stream);
    // Half-closed (§5.1): the rest of the request is judged, but not wanted for long (§8.1).
    queue_.remove(stream);
    stream.answered = true;
    stream.responded = false;
    --responding_;
    stream.pending.reset();
}

}  // namespace selvage::http::h2
