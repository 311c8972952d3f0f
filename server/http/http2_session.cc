#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "server/http/body_reader.h"
#include "server/http/error_response.h"
#include "server/http/request_builder.h"
#include "server/http/session.h"
#include "server/http/status_line.h"

namespace selvage::http {

namespace {

// A DATA frame whose header and payload fill one 16 KiB TLS record exactly (connection-layer §4).
constexpr std::size_t kFrameHeader = 9;
constexpr std::size_t kDataPayload = 16'384 - kFrameHeader;
// nghttp2 hands out whole frames: one is begun only while this much room is left.
constexpr std::size_t kFrameRoom = kDataPayload + kFrameHeader;

struct Stream {
    std::int32_t id = 0;
    std::size_t index = 0;  // in Http2Session::streams_
    Request request;
    RequestBuilder builder;
    bool head_complete = false;
    bool head_refused = false;   // over a limit: answered with 431
    bool request_ended = false;  // END_STREAM received
    bool responded = false;
    bool report_due = false;
    char length_text[24] = {};
    Answer answer;
    BodyReader reader;
    Outcome outcome;
    Pending pending;
};

nghttp2_nv field(std::string_view name, std::string_view value, std::uint8_t flags) {
    return {const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(name.data())),
            const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(value.data())), name.size(), value.size(), flags};
}

constexpr std::uint8_t kNoCopy = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;

struct CallbacksFree {
    void operator()(nghttp2_session_callbacks* callbacks) const { nghttp2_session_callbacks_del(callbacks); }
};
struct OptionFree {
    void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};
struct SessionFree {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

// Stage 1 of the connection layer: nghttp2 receives and writes. Its callbacks only record; the session acts after feeding,
// since nghttp2 forbids re-entering.
class Http2Session final : public Session {
public:
    explicit Http2Session(SessionContext& context);
    ~Http2Session() override;

    std::size_t feed(std::string_view bytes) override;
    void produce(Output& output) override;
    bool wants_output() const override { return !failed_ && nghttp2_session_want_write(session_.get()) != 0; }
    void drain() override;
    bool finished() const override;
    Waiting waiting() const override;
    void time_out() override;

private:
    static Http2Session& self(void* user) { return *static_cast<Http2Session*>(user); }
    static nghttp2_session_callbacks* make_callbacks();
    static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user);
    static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                         const std::uint8_t* value, std::size_t value_size, std::uint8_t flags, void* user);
    static int on_frame_recv(nghttp2_session* session, const nghttp2_frame* frame, void* user);
    static int on_frame_send(nghttp2_session* session, const nghttp2_frame* frame, void* user);
    static int on_stream_close(nghttp2_session* session, std::int32_t id, std::uint32_t code, void* user);
    static ssize_t read_length(nghttp2_session* session, std::uint8_t type, std::int32_t id, std::int32_t session_window,
                               std::int32_t stream_window, std::uint32_t frame_size, void* user);
    static ssize_t read_body(nghttp2_session* session, std::int32_t id, std::uint8_t* buffer, std::size_t length,
                             std::uint32_t* flags, nghttp2_data_source* source, void* user);
    static int send_data(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* header, std::size_t length,
                         nghttp2_data_source* source, void* user);

    void submit_settings();
    Stream* stream_of(std::int32_t id) { return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_.get(), id)); }
    Stream& add_stream(std::int32_t id);
    void remove_stream(Stream& stream);
    void collect(Stream& stream, std::string_view name, std::string_view value);
    void act();
    void dispatch(Stream& stream);
    void respond(Stream& stream, Answer answer);
    void report(Stream& stream, bool complete);
    void submit_last_goaway();

    SessionContext& context_;
    std::unique_ptr<nghttp2_session, SessionFree> session_;
    std::vector<std::unique_ptr<Stream>> streams_;
    std::vector<std::unique_ptr<Stream>> free_;  // their buffers serve the next requests
    std::vector<std::int32_t> ready_;            // requests whose head is complete
    std::vector<std::int32_t> unread_;           // answered in full before the request ended
    std::vector<nghttp2_nv> fields_;             // of the answer being submitted; kept for its capacity
    Output* output_ = nullptr;                   // during produce()
    unsigned requests_ = 0;
    bool draining_ = false;
    bool last_goaway_due_ = false;
    bool last_goaway_sent_ = false;
    bool failed_ = false;
};

nghttp2_session_callbacks* Http2Session::make_callbacks() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, read_length);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    return callbacks;
}

Http2Session::Http2Session(SessionContext& context) : context_(context) {
    static const std::unique_ptr<nghttp2_session_callbacks, CallbacksFree> kCallbacks(make_callbacks());
    nghttp2_option* raw = nullptr;
    nghttp2_option_new(&raw);
    const std::unique_ptr<nghttp2_option, OptionFree> option(raw);
    nghttp2_option_set_no_closed_streams(option.get(), 1);
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new2(&session, kCallbacks.get(), this, option.get());
    session_.reset(session);
    submit_settings();
}

Http2Session::~Http2Session() {
    for (const auto& stream : streams_) {
        if (stream->report_due) report(*stream, false);
    }
}

void Http2Session::submit_settings() {
    const config::Http2& limits = context_.config->http2;
    const nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(limits.stream_window)},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.header_bytes)},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, entries, std::size(entries));
    nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0,
                                          static_cast<std::int32_t>(limits.connection_window));
}

std::size_t Http2Session::feed(std::string_view bytes) {
    if (failed_) return bytes.size();
    const ssize_t taken =
        nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    // Protocol errors of the peer are answered by nghttp2 with GOAWAY; what comes back as an error is a bad preface, a flood or a
    // lack of memory: the session is beyond use.
    if (taken < 0) {
        if (taken == NGHTTP2_ERR_FLOODED) context_.observer.limit_hit(LimitHit::Resets);
        failed_ = true;
        return bytes.size();
    }
    act();
    return bytes.size();
}

void Http2Session::produce(Output& output) {
    if (failed_) return;
    output_ = &output;
    while (output.room() >= kFrameRoom) {
        const std::uint8_t* bytes = nullptr;
        const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
        if (size < 0) failed_ = true;
        if (size <= 0) break;
        output.append({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
    }
    output_ = nullptr;
    act();
}

void Http2Session::drain() {
    if (failed_) return;
    if (draining_) {  // asked again: the round trip has had its time
        submit_last_goaway();
        return;
    }
    draining_ = true;
    // RFC 9113 §6.8: first "no more soon", then, a round trip later (the PING's acknowledgement), the last stream.
    nghttp2_submit_shutdown_notice(session_.get());
    nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
}

bool Http2Session::finished() const {
    if (failed_) return true;
    return nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0;
}

Waiting Http2Session::waiting() const {
    if (streams_.empty()) return Waiting::Nothing;
    Waiting most = Waiting::Handler;
    for (const auto& stream : streams_) {
        if (!stream->head_complete) return Waiting::RequestHead;
        if (stream->responded) most = Waiting::Peer;
    }
    return most;
}

void Http2Session::time_out() {
    if (!failed_) nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
}

Stream& Http2Session::add_stream(std::int32_t id) {
    if (free_.empty()) free_.push_back(std::make_unique<Stream>());
    std::unique_ptr<Stream> stream = std::move(free_.back());
    free_.pop_back();
    stream->id = id;
    stream->index = streams_.size();
    streams_.push_back(std::move(stream));
    return *streams_.back();
}

void Http2Session::remove_stream(Stream& stream) {
    const std::size_t index = stream.index;
    std::unique_ptr<Stream> owned = std::move(streams_[index]);
    if (index + 1 != streams_.size()) {
        streams_[index] = std::move(streams_.back());
        streams_[index]->index = index;
    }
    streams_.pop_back();

    owned->pending.reset();
    owned->builder.clear();
    owned->request = Request{.fields = std::move(owned->request.fields)};
    owned->answer = Answer{};
    owned->reader = BodyReader();
    owned->outcome = Outcome{};
    owned->head_complete = owned->head_refused = owned->request_ended = owned->responded = owned->report_due = false;
    constexpr std::size_t kKeep = 32;  // an idle connection should hold little
    if (free_.size() < kKeep) free_.push_back(std::move(owned));
}

int Http2Session::on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Stream& stream = self(user).add_stream(frame->hd.stream_id);
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, &stream);
    return 0;
}

int Http2Session::on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                            const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    Http2Session& session = self(user);
    Stream* stream = session.stream_of(frame->hd.stream_id);
    if (stream && !stream->head_complete) {  // trailers are read over
        session.collect(*stream, {reinterpret_cast<const char*>(name), name_size},
                        {reinterpret_cast<const char*>(value), value_size});
    }
    return 0;
}

void Http2Session::collect(Stream& stream, std::string_view name, std::string_view value) {
    const config::Http2& limits = context_.config->http2;
    constexpr std::size_t kFieldOverhead = 32;  // RFC 9113 §6.5.2
    RequestBuilder& builder = stream.builder;
    const std::size_t bytes = builder.bytes() + builder.fields() * kFieldOverhead + name.size() + value.size();
    if (stream.head_refused) return;
    if (builder.fields() >= limits.fields || bytes > limits.header_bytes) {
        context_.observer.limit_hit(builder.fields() >= limits.fields ? LimitHit::HeaderFields : LimitHit::HeaderBytes);
        stream.head_refused = true;
        return;
    }
    builder.add(name, value);
}

int Http2Session::on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Session& session = self(user);
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 && session.draining_) {
        session.last_goaway_due_ = true;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Stream* stream = session.stream_of(frame->hd.stream_id);
    if (!stream) return 0;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) stream->request_ended = true;
    if (frame->hd.type == NGHTTP2_HEADERS && !stream->head_complete) {
        stream->head_complete = true;
        session.ready_.push_back(stream->id);
    }
    return 0;
}

int Http2Session::on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Http2Session& session = self(user);
    Stream* stream = session.stream_of(frame->hd.stream_id);
    if (!stream) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS) stream->outcome.first_byte = loop::Loop::precise();
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        session.report(*stream, true);
        if (!stream->request_ended) session.unread_.push_back(stream->id);
    }
    return 0;
}

int Http2Session::on_stream_close(nghttp2_session* session, std::int32_t id, std::uint32_t, void* user) {
    Stream* stream = self(user).stream_of(id);
    if (!stream) return 0;
    if (stream->report_due) self(user).report(*stream, false);
    nghttp2_session_set_stream_user_data(session, id, nullptr);
    self(user).remove_stream(*stream);
    return 0;
}

// What the callbacks recorded is done now, outside of nghttp2.
void Http2Session::act() {
    for (std::size_t i = 0; i < ready_.size(); ++i) {
        if (Stream* stream = stream_of(ready_[i])) dispatch(*stream);  // null: reset in the same read
    }
    ready_.clear();
    for (const std::int32_t id : unread_) {  // RFC 9113 §8.1: answered early, the rest of the request is not wanted
        if (stream_of(id)) nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
    }
    unread_.clear();
    if (last_goaway_due_) {
        last_goaway_due_ = false;
        submit_last_goaway();
    }
}

void Http2Session::submit_last_goaway() {
    if (std::exchange(last_goaway_sent_, true)) return;
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_.get()),
                          NGHTTP2_NO_ERROR, nullptr, 0);
}

void Http2Session::dispatch(Stream& stream) {
    stream.request.secure = context_.secure;
    stream.request.peer = context_.peer;
    stream.request.protocol = Protocol::Http2;
    stream.request.received = loop::Loop::precise();
    stream.report_due = true;
    if (++requests_ == context_.config->http2.requests) {
        context_.observer.limit_hit(LimitHit::RequestsPerConnection);
        drain();
    }
    if (stream.head_refused || !stream.builder.build(stream.request)) {
        stream.builder.build(stream.request);
        respond(stream, status_answer(stream.head_refused ? 431 : 400));
        return;
    }
    Reply reply = context_.dispatcher.handle(stream.request);
    if (auto* answer = std::get_if<Answer>(&reply)) {
        respond(stream, std::move(*answer));
        return;
    }
    stream.pending = std::move(std::get<Pending>(reply));
    stream.pending->start([this, &stream](Answer answer) {
        respond(stream, std::move(answer));
        context_.wake();
    });
}

void Http2Session::respond(Stream& stream, Answer answer) {
    stream.answer = std::move(answer);
    stream.responded = true;
    const Answer& reply = stream.answer;
    stream.outcome.status = reply.status;
    stream.outcome.verdict = reply.verdict;
    stream.outcome.fill_time = reply.fill_time;

    fields_.clear();
    fields_.push_back(field(":status", status_text(reply.status), kNoCopy));
    // The date is refreshed while this frame may still wait: copied.
    fields_.push_back(field("date", context_.dispatcher.date(), NGHTTP2_NV_FLAG_NO_COPY_NAME));
    for (const auto& [name, value] : reply.head->fields()) {
        fields_.push_back(field(name, value, kNoCopy));
    }
    for (std::size_t i = 0; i < reply.extra.size(); ++i) {
        const Field extra = reply.extra.at(i);
        fields_.push_back(field(extra.name, extra.value, kNoCopy));
    }
    const std::uint64_t length = reply.content_length.value_or(reply.body.length());
    if (reply.status != 204 && reply.status != 304) {
        const auto end = std::to_chars(stream.length_text, std::end(stream.length_text), length).ptr;
        const auto digits = static_cast<std::size_t>(end - stream.length_text);
        fields_.push_back(field("content-length", {stream.length_text, digits}, kNoCopy));
    }

    const bool bodiless = stream.request.method == Method::Head || reply.body.length() == 0;
    if (!bodiless) stream.reader = BodyReader(std::move(stream.answer.body));
    nghttp2_data_provider provider{};
    provider.source.ptr = &stream;
    provider.read_callback = read_body;
    nghttp2_submit_response(session_.get(), stream.id, fields_.data(), fields_.size(), bodiless ? nullptr : &provider);
}

ssize_t Http2Session::read_length(nghttp2_session*, std::uint8_t, std::int32_t, std::int32_t, std::int32_t, std::uint32_t,
                                  void*) {
    return kDataPayload;  // nghttp2 takes the least of this, the windows and the peer's frame size
}

ssize_t Http2Session::read_body(nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t length, std::uint32_t* flags,
                                nghttp2_data_source* source, void* user) {
    Http2Session& session = self(user);
    Stream& stream = *static_cast<Stream*>(source->ptr);
    const BodyReader::Peek next = stream.reader.peek(length);
    switch (next.state) {
        case BodyReader::State::Failed:
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM(INTERNAL_ERROR)
        case BodyReader::State::Waiting:
            if (!stream.reader.filling()) {
                stream.reader.fill_later(session.context_.loop, session.context_.pool, [&session, id] {
                    nghttp2_session_resume_data(session.session_.get(), id);
                    session.context_.wake();
                });
            }
            return NGHTTP2_ERR_DEFERRED;
        case BodyReader::State::End:
            *flags |= NGHTTP2_DATA_FLAG_EOF;
            return 0;
        case BodyReader::State::Ready:
            break;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (next.run.size() == stream.reader.left()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(next.run.size());
}

int Http2Session::send_data(nghttp2_session*, nghttp2_frame*, const std::uint8_t* header, std::size_t length,
                            nghttp2_data_source* source, void* user) {
    Stream& stream = *static_cast<Stream*>(source->ptr);
    Output& output = *self(user).output_;
    // One nghttp2_session_mem_send goes on from frame to frame: this is where it is told to stop. The frame is offered again.
    if (output.room() < kFrameRoom) return NGHTTP2_ERR_WOULDBLOCK;
    output.append({reinterpret_cast<const char*>(header), kFrameHeader});
    const BodyReader::Peek run = stream.reader.peek(length);  // the same run that read_body announced
    output.append(run.run);
    stream.reader.advance(run.run.size());
    stream.outcome.body_bytes += run.run.size();
    return 0;
}

void Http2Session::report(Stream& stream, bool complete) {
    stream.report_due = false;
    if (stream.outcome.status == 0) stream.outcome.status = kClientGone;
    stream.outcome.complete = complete;
    stream.outcome.finished = loop::Loop::precise();
    context_.dispatcher.finished(stream.request, stream.outcome);
}

}  // namespace

std::unique_ptr<Session> make_http2_session(SessionContext& context) { return std::make_unique<Http2Session>(context); }

}  // namespace selvage::http
