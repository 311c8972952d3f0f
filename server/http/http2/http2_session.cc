#include "server/http/http2/http2_session.h"

#include <algorithm>

namespace selvage::http {

std::unique_ptr<Session> make_http2_session(SessionContext& context) { return std::make_unique<h2::Http2Session>(context); }

std::shared_ptr<Http2Shared> make_http2_shared() { return std::make_shared<Http2Shared>(); }

namespace h2 {

namespace {

// Streams that we ended whose late frames are still known for what they are.
constexpr std::size_t kRememberedResets = 128;
// What is left of a request that has been answered is waited for that long: it may end well, or show that it never was one.
constexpr auto kRestOfRequest = std::chrono::seconds(1);

LimitHit hit_of(WindowWatch::Verdict verdict, LimitHit still) {
    switch (verdict) {
        case WindowWatch::Verdict::Fine:
            break;
        case WindowWatch::Verdict::Still:
            return still;
        case WindowWatch::Verdict::Slow:
            return LimitHit::WriteRate;
    }
    return LimitHit::kCount;
}

}  // namespace

Http2Session::Http2Session(SessionContext& context) : context_(context), conduct_(limits()) { announce(); }

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
    if (responding_ > awaiting_producer_) return Waiting::Peer;
    if (!streams_.empty()) return Waiting::Handler;
    if (!settings_seen_) return Waiting::Greeting;
    return reader_.amid_frame() ? Waiting::RequestHead : Waiting::Nothing;
}

void Http2Session::time_out() {
    now_ = loop::Loop::precise();
    end(ErrorCode::NoError);
}

void Http2Session::end(LimitHit deadline) {
    context_.observer.limit_hit(deadline);
    end(ErrorCode::NoError);
}

void Http2Session::end(ErrorCode code) {
    if (ended_) return;
    block_stream_ = 0;
    append_frame(control_, FrameType::GoAway, 0, {last_stream_, static_cast<std::uint32_t>(code)});
    abandon_streams();
}

// With all work for them: the session goes, or says its last words.
void Http2Session::abandon_streams() {
    ended_ = true;
    while (!streams_.empty()) close(*streams_.back());
    while (!withdrawn_.empty()) release(*withdrawn_.back());
}

Stream* Http2Session::find(std::uint32_t id) const {
    const auto place = std::ranges::lower_bound(streams_, id, {}, &Stream::id);
    return place != streams_.end() && (*place)->id == id ? *place : nullptr;
}

Stream& Http2Session::open(std::uint32_t id) {
    Stream* stream = context_.http2.streams.take();
    stream->id = id;
    stream->request.method_text = stream->request.target = stream->request.authority = {};
    stream->request.received = now_;
    stream->content_received = 0;
    // Until our SETTINGS have arrived a client works with the default.
    stream->receive_window = std::max<std::int64_t>(static_cast<std::int64_t>(limits().stream_window), kDefaultWindow);
    stream->request_ended = stream->report_due = stream->responded = stream->head_due = stream->bodiless = false;
    stream->answered = stream->withdrawn = false;
    stream->watch.reset();
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
    if (!ended_ && stream.busy()) return withdraw(stream);
    context_.http2.streams.put(&stream);
}

// A client that resets what it has asked for gets no room for more before the work on it has ended: otherwise it would have work
// done without a limit (protocol-and-limits §2: rapid reset).
void Http2Session::withdraw(Stream& stream) {
    stream.withdrawn = true;
    withdrawn_.push_back(&stream);
    if (!stream.reader.filling()) return stream.pending->withdraw();
    awaiting_producer_ -= stream.reader.awaits_producer();
    stream.reader.withdraw([this, &stream] { release(stream); });
}

void Http2Session::release(Stream& stream) {
    withdrawn_.erase(std::ranges::find(withdrawn_, &stream));
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

bool Http2Session::calm(LimitHit hit) {
    if (hit == LimitHit::kCount) return true;
    context_.observer.limit_hit(hit);
    end(ErrorCode::EnhanceYourCalm);
    return false;
}

// Whatever a client sends that we answer has a limit of its own; those that come back with time would add up, were nothing sent.
void Http2Session::bound_control() {
    constexpr std::size_t kAcknowledgement = 17, kReset = 13;
    const std::size_t resets = std::size_t{limits().resets} + limits().refused + limits().streams;
    const std::size_t most = kMuchControl + limits().acknowledgements * kAcknowledgement + resets * kReset;
    if (control_.size() > most) calm(LimitHit::Acknowledgements);
}

bool Http2Session::blame(const Stream* stream) {
    const auto age = stream ? now_ - stream->request.received : SteadyTime::duration::max();
    return calm(conduct_.reset(age, now_));
}

void Http2Session::tick(SteadyTime now) {
    if (ended_) return;
    now_ = now;
    if (block_stream_ != 0 && now - block_since_ >= context_.config->timeouts.header_block) {
        return end(LimitHit::HeaderBlockTime);
    }
    for (std::size_t i = 0; i < streams_.size();) {
        Stream& stream = *streams_[i];
        if (stream.answered && now - stream.outcome.finished >= kRestOfRequest) {
            reset(stream, ErrorCode::NoError);  // the next one takes its place
            continue;
        }
        const LimitHit hit = too_slow(stream);
        if (hit == LimitHit::kCount) {
            ++i;
        } else {
            context_.observer.limit_hit(hit);
            reset(stream, ErrorCode::Cancel);
        }
    }
    if (const LimitHit hit = too_slow(); hit != LimitHit::kCount) end(hit);
}

LimitHit Http2Session::too_slow(Stream& stream) {
    const config::Config& config = *context_.config;
    const bool blocked = stream.responded && !stream.head_due && stream.send_window <= 0 && !stream.reader.filling();
    const WindowWatch::Verdict verdict =
        stream.watch.look(now_, stream.outcome.body_bytes, blocked,
                          {config.timeouts.stream_write, config.timeouts.slow_write, config.limits.write_rate});
    return hit_of(verdict, LimitHit::StreamWrite);
}

LimitHit Http2Session::too_slow() {
    const config::Config& config = *context_.config;
    const std::uint64_t sent = window_given_ - static_cast<std::uint64_t>(send_window_);
    const WindowWatch::Verdict verdict =
        watch_.look(now_, sent, send_window_ <= 0 && !queue_.empty(),
                    {config.timeouts.write, config.timeouts.slow_write, config.limits.write_rate});
    return hit_of(verdict, LimitHit::WriteProgress);
}

}  // namespace h2

}  // namespace selvage::http
