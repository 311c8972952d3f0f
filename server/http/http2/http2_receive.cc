// What a client sends, frame by frame: RFC 9113 §5 and §6, with the errors they name.
#include <algorithm>

#include "server/http/error_response.h"
#include "server/http/http2/http2_session.h"

namespace selvage::http::h2 {

namespace {

// protocol-and-limits §2: no honest client sends more.
constexpr std::size_t kMostSettings = 32;
constexpr std::size_t kMostEarlyPriorities = 32;
constexpr std::uint64_t kUnwanted = 32 << 10;  // content of a request that has been answered, before it is told to stop
constexpr std::size_t kPriorityFields = 5;     // what PRIORITY carries, and HEADERS with its flag. RFC 7540 §6.3

// §8.3.1: a path, or "*" for OPTIONS; CONNECT has none.
bool is_target(const Request& request) {
    if (request.method_text == "CONNECT") return request.target.empty();
    return request.target == "*" ? request.method == Method::Options : request.target.starts_with('/');
}

}  // namespace

std::size_t Http2Session::feed(std::string_view bytes) {
    if (ended_) return bytes.size();
    now_ = loop::Loop::precise();  // once per read: all its requests arrived now
    const auto status =
        reader_.read(bytes, [this](const FrameHeader& header, std::string_view payload) { return take(header, payload); });
    if (status == FrameReader::Status::BadPreface) end(ErrorCode::ProtocolError);
    if (status == FrameReader::Status::TooLarge) end(ErrorCode::FrameSizeError);
    return bytes.size();
}

bool Http2Session::take(const FrameHeader& header, std::string_view payload) {
    if (!settings_seen_ && (!header.is(FrameType::Settings) || header.has(flag::kAck))) {  // §3.4
        end(ErrorCode::ProtocolError);
        return false;
    }
    if (block_stream_ != 0 && !header.is(FrameType::Continuation)) {  // §6.10
        end(ErrorCode::ProtocolError);
        return false;
    }
    switch (static_cast<FrameType>(header.type)) {
        case FrameType::Data:
            take_data(header, payload);
            break;
        case FrameType::Headers:
            take_headers(header, payload);
            break;
        case FrameType::Priority:
            take_priority(header, payload);
            break;
        case FrameType::RstStream:
            take_reset(header, payload);
            break;
        case FrameType::Settings:
            take_settings(header, payload);
            break;
        case FrameType::PushPromise:  // §8.4: never from a client
            end(ErrorCode::ProtocolError);
            break;
        case FrameType::Ping:
            take_ping(header, payload);
            break;
        case FrameType::GoAway:  // the client will open no more streams; those that are open go on
            if (header.stream != 0) end(ErrorCode::ProtocolError);
            if (payload.size() < 8) end(ErrorCode::FrameSizeError);
            glitch(Glitch::GoAway);
            break;
        case FrameType::WindowUpdate:
            take_window_update(header, payload);
            break;
        case FrameType::Continuation:
            take_continuation(header, payload);
            break;
        case FrameType::PriorityUpdate:
            take_priority_update(header, payload);
            break;
        default:  // §4.1: unknown types are ignored
            glitch(Glitch::UnknownType);
            break;
    }
    if (control_.size() > kMuchControl) bound_control();
    return !ended_;
}

// False: more padding than payload, a connection error (§6.1, §6.2).
bool Http2Session::unpad(const FrameHeader& header, std::string_view& payload) {
    if (!header.has(flag::kPadded)) return true;
    const std::size_t padding = payload.empty() ? 0 : static_cast<unsigned char>(payload.front());
    if (payload.size() < padding + 1) {
        end(ErrorCode::ProtocolError);
        return false;
    }
    payload = payload.substr(1, payload.size() - 1 - padding);
    return true;
}

void Http2Session::take_data(const FrameHeader& header, std::string_view payload) {
    const std::size_t whole = payload.size();  // padding counts for the windows: §6.9.1
    if (header.stream == 0 || header.stream > last_stream_ || (header.stream & 1) == 0) return end(ErrorCode::ProtocolError);
    if (receive_window_ < static_cast<std::int64_t>(whole)) return end(ErrorCode::FlowControlError);
    receive_window_ -= static_cast<std::int64_t>(whole);
    if (!unpad(header, payload)) return;
    give_back(whole);
    if (payload.empty() && !header.has(flag::kEndStream) && !glitch(whole == 0 ? Glitch::EmptyData : Glitch::PaddingOnly)) return;

    Stream* stream = find(header.stream);
    if (!stream || stream->request_ended) return data_of_closed(header.stream, stream);
    stream->receive_window -= static_cast<std::int64_t>(whole);
    if (stream->receive_window < 0) {
        if (blame(stream)) reset(*stream, ErrorCode::FlowControlError);
        return;
    }
    stream->content_received += payload.size();
    if (header.has(flag::kEndStream)) return request_ended(*stream);
    if (stream->answered && stream->content_received > kUnwanted) reset(*stream, ErrorCode::NoError);
}

void Http2Session::data_of_closed(std::uint32_t id, Stream* stream) {
    // §5.1: what still comes after our own RST_STREAM is nobody's fault.
    if (!glitch(Glitch::ClosedStream) || was_reset(id) || !blame(stream)) return;
    if (stream) return reset(*stream, ErrorCode::StreamClosed);
    reset_closed(id, ErrorCode::StreamClosed);
}

void Http2Session::request_ended(Stream& stream) {
    stream.request_ended = true;
    // §8.1.1: a content-length that is not the sum of the DATA.
    if (stream.fields.content_length.value_or(stream.content_received) != stream.content_received) {
        if (blame(&stream)) reset(stream, ErrorCode::ProtocolError);
    } else if (stream.answered) {
        close(stream);
    }
}

// No resource takes content, so none is kept; the windows only have to let honest clients finish.
void Http2Session::give_back(std::size_t received) {
    unreturned_ += static_cast<std::uint32_t>(received);
    if (unreturned_ < limits().connection_window / 2 && receive_window_ > kDefaultWindow / 2) return;
    if (unreturned_ == 0) return;
    append_frame(control_, FrameType::WindowUpdate, 0, {unreturned_});
    receive_window_ += unreturned_;
    unreturned_ = 0;
}

void Http2Session::take_headers(const FrameHeader& header, std::string_view payload) {
    if ((header.stream & 1) == 0) return end(ErrorCode::ProtocolError);  // §5.1.1, and 0
    if (!unpad(header, payload)) return;
    if (header.has(flag::kPriority)) {
        if (payload.size() < kPriorityFields) return end(ErrorCode::FrameSizeError);
        if ((read_u32(payload.data()) & kStreamIds) == header.stream) return end(ErrorCode::ProtocolError);  // RFC 7540 §5.3.1
        payload.remove_prefix(kPriorityFields);
    }
    if (payload.empty() && !glitch(Glitch::EmptyHeaders)) return;
    block_stream_ = header.stream;
    block_flags_ = header.flags;
    continuations_ = 0;
    if (header.has(flag::kEndHeaders)) return headers_complete(payload);
    block_since_ = now_;
    block_.assign(payload);
}

void Http2Session::take_continuation(const FrameHeader& header, std::string_view payload) {
    if (block_stream_ == 0 || header.stream != block_stream_) return end(ErrorCode::ProtocolError);
    if (payload.empty() && !glitch(Glitch::EmptyContinuation)) return;
    if (++continuations_ > limits().continuations) {
        calm(LimitHit::Continuations);
        return;
    }
    if (block_.size() + payload.size() > 4 * limits().header_bytes) {
        calm(LimitHit::HeaderBytes);
        return;
    }
    block_.append(payload);
    if (!header.has(flag::kEndHeaders)) return;
    const std::string block = std::exchange(block_, {});
    headers_complete(block);
}

// Whatever becomes of a block, it keeps the table current. Not Ok: the connection is over.
BlockStatus Http2Session::decode(std::string_view block, RequestFields* fields) {
    const BlockStatus status = decode_block(decoder_, context_.http2.hpack, block, limits(), fields);
    if (status == BlockStatus::Broken) end(ErrorCode::CompressionError);
    if (status == BlockStatus::TooLarge) calm(LimitHit::HeaderBytes);
    return status;
}

void Http2Session::headers_complete(std::string_view block) {
    const std::uint32_t id = std::exchange(block_stream_, 0);
    const bool fresh = id > last_stream_;
    if (fresh) {
        last_stream_ = id;
        if (id <= goaway_stream_ && streams_.size() + withdrawn_.size() < limits().streams) return request_begins(block);
    }
    if (Stream* stream = find(id)) return trailers(*stream, block);
    if (decode(block, nullptr) != BlockStatus::Ok) return;
    if (!fresh) {
        was_reset(id) ? void(glitch(Glitch::ClosedStream)) : end(ErrorCode::StreamClosed);  // §5.1
        return;
    }
    if (id > goaway_stream_) {  // §6.8: it will be asked again elsewhere
        glitch(Glitch::ClosedStream);
        return;
    }
    context_.observer.limit_hit(LimitHit::Streams);
    if (calm(conduct_.refuse(now_))) reset_closed(id, ErrorCode::RefusedStream);
}

void Http2Session::request_begins(std::string_view block) {
    Stream& stream = open(last_stream_);
    conduct_.stream();
    if (block.size() > limits().header_bytes) stream.fields.over = LimitHit::HeaderBytes;
    if (decode(block, &stream.fields) != BlockStatus::Ok) return;
    if (stream.fields.over != LimitHit::kCount && !glitch(Glitch::Oversized)) return;  // decoding costs more than sending
    stream.fields.finish();
    stream.consistent = stream.fields.builder.build(stream.request);
    if (stream.fields.over == LimitHit::kCount && !is_target(stream.request)) stream.fields.malformed = true;
    if ((block_flags_ & flag::kEndStream) != 0) {
        stream.request_ended = true;
        if (stream.fields.content_length.value_or(0) != 0) stream.fields.malformed = true;
    }
    if (stream.fields.malformed) {  // §8.1.1
        if (blame(&stream)) reset(stream, ErrorCode::ProtocolError);
        return;
    }
    dispatch(stream);
}

void Http2Session::trailers(Stream& stream, std::string_view block) {
    RequestFields fields;
    if (decode(block, &fields) != BlockStatus::Ok) return;
    const bool last = (block_flags_ & flag::kEndStream) != 0;
    const bool well_formed = !fields.malformed && fields.pseudo == 0;
    if (!stream.request_ended && last && well_formed) return request_ended(stream);
    if (blame(&stream)) reset(stream, stream.request_ended ? ErrorCode::StreamClosed : ErrorCode::ProtocolError);  // §5.1, §8.1
}

void Http2Session::dispatch(Stream& stream) {
    Request& request = stream.request;
    request.secure = context_.secure;
    request.peer = context_.peer;
    request.protocol = Protocol::Http2;
    stream.report_due = true;
    if (++requests_ == limits().requests) {
        context_.observer.limit_hit(LimitHit::RequestsPerConnection);
        drain();
    }
    if (stream.fields.over != LimitHit::kCount) {
        context_.observer.limit_hit(stream.fields.over);
        return respond(stream, status_answer(431));
    }
    if (!stream.consistent) return respond(stream, status_answer(400));
    Reply reply = context_.dispatcher.handle(request);
    if (auto* answer = std::get_if<Answer>(&reply)) return respond(stream, std::move(*answer));
    stream.pending = std::move(std::get<Pending>(reply));
    stream.pending->start([this, &stream](Answer answer) {
        if (stream.withdrawn) return release(stream);
        respond(stream, std::move(answer));
        context_.wake();
    });
}

void Http2Session::take_priority(const FrameHeader& header, std::string_view payload) {
    if (header.stream == 0) return end(ErrorCode::ProtocolError);
    if (payload.size() != kPriorityFields) {  // §6.3: a stream error; one that is idle cannot be reset
        Stream* stream = find(header.stream);
        if (!stream) return end(ErrorCode::FrameSizeError);
        if (blame(stream)) reset(*stream, ErrorCode::FrameSizeError);
        return;
    }
    if ((read_u32(payload.data()) & kStreamIds) == header.stream) return end(ErrorCode::ProtocolError);
    glitch(Glitch::Priority);
}

void Http2Session::take_reset(const FrameHeader& header, std::string_view payload) {
    if (payload.size() != 4) return end(ErrorCode::FrameSizeError);
    if (header.stream == 0 || header.stream > last_stream_ || (header.stream & 1) == 0) return end(ErrorCode::ProtocolError);
    Stream* stream = find(header.stream);
    if (blame(stream) && stream) close(*stream);
}

void Http2Session::take_settings(const FrameHeader& header, std::string_view payload) {
    if (header.stream != 0) return end(ErrorCode::ProtocolError);
    constexpr std::size_t kSetting = 6;
    if (header.has(flag::kAck)) {
        if (!payload.empty()) return end(ErrorCode::FrameSizeError);
        if (std::exchange(settings_acknowledged_, true)) glitch(Glitch::Settings);
        return;
    }
    if (payload.size() % kSetting != 0) return end(ErrorCode::FrameSizeError);
    if (payload.size() / kSetting > kMostSettings) {
        calm(LimitHit::Glitches);
        return;
    }
    if (std::exchange(settings_seen_, true) && !glitch(Glitch::Settings)) return;
    for (; !payload.empty(); payload.remove_prefix(kSetting)) {
        if (!take_setting(read_u16(payload.data()), read_u32(payload.data() + 2))) return;
    }
    acknowledge(FrameType::Settings, {});
}

void Http2Session::acknowledge(FrameType type, std::string_view payload) {
    if (!calm(conduct_.acknowledge())) return;
    char frame[kFrameHeader];
    write_frame_header(frame, payload.size(), type, flag::kAck, 0);
    control_.append(frame, sizeof frame).append(payload);
}

// False: the connection is over.
bool Http2Session::take_setting(std::uint16_t name, std::uint32_t value) {
    switch (static_cast<Setting>(name)) {
        case Setting::HeaderTableSize:
            shared_fields_.limit(value);
            break;
        case Setting::EnablePush:
            if (value > 1) end(ErrorCode::ProtocolError);
            break;
        case Setting::InitialWindowSize:
            if (value > kLargestWindow || !resize_send_windows(value)) end(ErrorCode::FlowControlError);
            break;
        case Setting::MaxFrameSize:  // ours are never larger than the least that it may be
            if (value < kLargestFrame || value > 0xff'ffff) end(ErrorCode::ProtocolError);
            break;
        case Setting::NoRfc7540Priorities:
            if (value > 1) end(ErrorCode::ProtocolError);
            client_prioritises_ |= value == 1;  // RFC 9218 §2.1: it knows the scheme
            break;
        case Setting::MaxConcurrentStreams:  // of pushes: there are none
        case Setting::MaxHeaderListSize:     // advice, and our heads are small
        default:
            break;
    }
    return !ended_;
}

// §6.9.2: windows shift by the difference, below zero if need be.
bool Http2Session::resize_send_windows(std::uint32_t initial) {
    const std::int64_t more = std::int64_t{initial} - initial_send_window_;
    initial_send_window_ = initial;
    for (Stream* stream : streams_) {
        stream->send_window += more;
        if (stream->send_window > kLargestWindow) return false;
        queue(*stream);
    }
    return true;
}

void Http2Session::take_ping(const FrameHeader& header, std::string_view payload) {
    if (header.stream != 0) return end(ErrorCode::ProtocolError);
    if (payload.size() != 8) return end(ErrorCode::FrameSizeError);
    if (!glitch(Glitch::Ping)) return;
    if (!header.has(flag::kAck)) return acknowledge(FrameType::Ping, payload);
    if (draining_) last_goaway();
}

// An honest client may read on when we have said all, and give back what it reads in pieces: so often per request.
constexpr std::uint64_t kLateUpdates = 16;

void Http2Session::take_window_update(const FrameHeader& header, std::string_view payload) {
    if (payload.size() != 4) return end(ErrorCode::FrameSizeError);
    const std::int64_t more = read_u32(payload.data()) & kStreamIds;
    if (header.stream == 0 && more == 0) return end(ErrorCode::ProtocolError);
    if (more < kTinyWindowUpdate && !glitch(Glitch::TinyWindowUpdate)) return;
    if (header.stream == 0) {
        send_window_ += more;
        window_given_ += static_cast<std::uint64_t>(more);
        if (send_window_ > kLargestWindow) end(ErrorCode::FlowControlError);
        return;
    }
    if (header.stream > last_stream_ || (header.stream & 1) == 0) return end(ErrorCode::ProtocolError);
    Stream* stream = find(header.stream);
    if (!stream) {  // for what has been sent in full meanwhile
        if (more == 0 && blame(nullptr)) reset_closed(header.stream, ErrorCode::ProtocolError);
        if (++late_updates_ > kLateUpdates * requests_) glitch(Glitch::ClosedStream);
        return;
    }
    if (more == 0 || stream->send_window + more > kLargestWindow) {
        if (blame(stream)) reset(*stream, more == 0 ? ErrorCode::ProtocolError : ErrorCode::FlowControlError);
        return;
    }
    stream->send_window += more;
    queue(*stream);
}

// RFC 9218 §7.1.
void Http2Session::take_priority_update(const FrameHeader& header, std::string_view payload) {
    if (header.stream != 0) return end(ErrorCode::ProtocolError);
    if (payload.size() < 4) return end(ErrorCode::FrameSizeError);
    const std::uint32_t id = read_u32(payload.data()) & kStreamIds;
    if ((id & 1) == 0) return end(ErrorCode::ProtocolError);
    if (!glitch(Glitch::Priority)) return;
    client_prioritises_ = true;
    const std::optional<Priority> priority = parse_priority(payload.substr(4));
    if (!priority) return;
    if (Stream* stream = find(id)) return change_priority(*stream, *priority);
    if (id <= last_stream_) return;
    if (early_priorities_.size() >= kMostEarlyPriorities) {  // those of requests that never came to an answer
        std::erase_if(early_priorities_,
                      [this](const EarlyPriority& early) { return early.id <= last_stream_ && !find(early.id); });
    }
    const auto known = std::ranges::find(early_priorities_, id, &EarlyPriority::id);
    if (known != early_priorities_.end()) {
        known->priority = *priority;
    } else if (early_priorities_.size() < kMostEarlyPriorities) {
        early_priorities_.push_back({id, *priority});
    }
}

}  // namespace selvage::http::h2
