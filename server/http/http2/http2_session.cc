#include "server/http/http2/http2_session.h"

#include <algorithm>

namespace selvage::http {

std::unique_ptr<Session> make_http2_session(SessionContext& context) { return std::make_unique<h2::Http2Session>(context); }

std::shared_ptr<Http2Shared> make_http2_shared() { return std::make_shared<Http2Shared>(); }

namespace h2 {

namespace {

// Resets that a connection may cause at once, and per second (protocol-and-limits §2).
constexpr double kResetBurst = 200;
constexpr double kResetsPerSecond = 20;
// Streams that we ended whose late frames are still known for what they are.
constexpr std::size_t kRememberedResets = 128;

}  // namespace

Http2Session::Http2Session(SessionContext& context) : context_(context), reset_credit_(kResetBurst) { announce(); }

Http2Session::~Http2Session() {
    now_ = loop::Loop::precise();
    abandon_streams();
}

// The server's preface. RFC 9113 §3.4.
void Http2Session::announce() {
    const std::pair<Setting, std::uint64_t> settings[] = {
        {Setting::MaxConcurrentStreams, limits().streams},
        {Setting::InitialWindowSize, limits().stream_window},
        {Setting::MaxHeaderListSize, limits().header_bytes},
        {Setting::NoRfc7540Priorities, 1},
    };
    constexpr std::size_t kSetting = 6;
    char frame[kFrameHeader + std::size(settings) * kSetting];
    write_frame_header(frame, std::size(settings) * kSetting, FrameType::Settings, 0, 0);
    char* at = frame + kFrameHeader;
    for (const auto& [name, value] : settings) {
        at[0] = 0;
        at[1] = static_cast<char>(name);
        write_u32(at + 2, static_cast<std::uint32_t>(value));
        at += kSetting;
    }
    control_.assign(frame, sizeof frame);
    const auto more = static_cast<std::int64_t>(limits().connection_window) - kDefaultWindow;
    if (more <= 0) return;
    receive_window_ += more;
    append_frame(control_, FrameType::WindowUpdate, 0, {static_cast<std::uint32_t>(more)});
}

void Http2Session::drain() {
    if (ended_) return;
    if (draining_) {  // asked again: the round trip has had its time
        last_goaway();
        return;
    }
    draining_ = true;
    // RFC 9113 §6.8: first "no more soon", then, a round trip later (the PING's acknowledgement), the last stream.
    append_frame(control_, FrameType::GoAway, 0, {kStreamIds, static_cast<std::uint32_t>(ErrorCode::NoError)});
    append_frame(control_, FrameType::Ping, 0, {0, 0});
}

void Http2Session::last_goaway() {
    if (goaway_stream_ != kStreamIds) return;
    goaway_stream_ = last_stream_;
    append_frame(control_, FrameType::GoAway, 0, {last_stream_, static_cast<std::uint32_t>(ErrorCode::NoError)});
}

bool Http2Session::finished() const {
    if (!control_.empty()) return false;
    return ended_ || (goaway_stream_ != kStreamIds && streams_.empty());
}

Waiting Http2Session::waiting() const {
    if (block_stream_ != 0) return Waiting::HeaderBlock;
    if (responding_ > 0) return Waiting::Peer;
    if (!streams_.empty()) return Waiting::Handler;
    if (!settings_seen_) return Waiting::Greeting;
    return reader_.amid_frame() ? Waiting::RequestHead : Waiting::Nothing;
}

void Http2Session::time_out() {
    now_ = loop::Loop::precise();
    end(ErrorCode::NoError);
}

void Http2Session::end(ErrorCode code) {
    if (ended_) return;
    ended_ = true;
    block_stream_ = 0;
    append_frame(control_, FrameType::GoAway, 0, {last_stream_, static_cast<std::uint32_t>(code)});
    abandon_streams();
}

void Http2Session::abandon_streams() {
    while (!streams_.empty()) close(*streams_.back());
}

Stream* Http2Session::find(std::uint32_t id) const {
    const auto place = std::ranges::lower_bound(streams_, id, {}, &Stream::id);
    return place != streams_.end() && (*place)->id == id ? *place : nullptr;
}

Stream& Http2Session::open(std::uint32_t id) {
    Stream* stream = context_.http2.streams.take();
    stream->id = id;
    stream->request.method_text = stream->request.target = stream->request.authority = {};
    stream->content_received = 0;
    // Until our SETTINGS have arrived a client works with the default.
    stream->receive_window = std::max<std::int64_t>(static_cast<std::int64_t>(limits().stream_window), kDefaultWindow);
    stream->request_ended = stream->report_due = stream->responded = stream->head_due = stream->bodiless = false;
    stream->send_window = initial_send_window_;
    stream->outcome = Outcome{};
    stream->priority = Priority{};
    streams_.push_back(stream);  // ids only grow
    return *stream;
}

void Http2Session::close(Stream& stream) {
    queue_.remove(stream);
    if (stream.report_due) report(stream, false);
    responding_ -= stream.responded;
    streams_.erase(std::ranges::lower_bound(streams_, stream.id, {}, &Stream::id));
    context_.http2.streams.put(&stream);
}

void Http2Session::reset(Stream& stream, ErrorCode code) {
    const std::uint32_t id = stream.id;
    close(stream);
    reset_closed(id, code);
}

void Http2Session::reset_closed(std::uint32_t id, ErrorCode code) {
    append_frame(control_, FrameType::RstStream, id, {static_cast<std::uint32_t>(code)});
    remember_reset(id);
}

void Http2Session::report(Stream& stream, bool complete) {
    stream.report_due = false;
    if (stream.outcome.status == 0) stream.outcome.status = kClientGone;
    stream.outcome.complete = complete;
    stream.outcome.finished = now_;
    context_.dispatcher.finished(stream.request, stream.outcome);
}

void Http2Session::remember_reset(std::uint32_t id) {
    if (resets_.size() < kRememberedResets) {
        resets_.push_back(id);
    } else {
        resets_[next_reset_++ % kRememberedResets] = id;
    }
}

bool Http2Session::was_reset(std::uint32_t id) const { return std::ranges::find(resets_, id) != resets_.end(); }

bool Http2Session::calm(double cost) {
    const std::chrono::duration<double> passed = now_ - std::exchange(reset_time_, now_);
    reset_credit_ = std::min(kResetBurst, reset_credit_ + passed.count() * kResetsPerSecond) - cost;
    if (reset_credit_ >= 0) return true;
    context_.observer.limit_hit(LimitHit::Resets);
    end(ErrorCode::EnhanceYourCalm);
    return false;
}

}  // namespace h2

}  // namespace selvage::http
