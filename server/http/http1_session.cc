#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string>

#include "server/http/body_reader.h"
#include "server/http/error_response.h"
#include "server/http/http1_head.h"
#include "server/http/session.h"
#include "server/http/status_line.h"

namespace selvage::http {

namespace {

// Gathers the lines of a head: twenty small pieces cost more than the one that they become.
class HeadText {
public:
    explicit HeadText(Output& output) : output_(output) {}
    ~HeadText() { flush(); }
    HeadText(const HeadText&) = delete;
    HeadText& operator=(const HeadText&) = delete;

    template <typename... More>
    void add(std::string_view piece, const More&... more) {
        put(piece);
        (put(more), ...);
    }

private:
    void put(std::string_view piece) {
        if (piece.size() > text_.size() - size_) flush();
        if (piece.size() > text_.size()) return output_.append(piece);
        std::memcpy(text_.data() + size_, piece.data(), piece.size());
        size_ += piece.size();
    }
    void flush() {
        output_.append({text_.data(), size_});
        size_ = 0;
    }

    Output& output_;
    std::array<char, 2048> text_;  // NOLINT: the first size_ are set
    std::size_t size_ = 0;
};

// HTTP/1.1 with keep-alive and pipelining: one request at a time, answered in order; further input waits in the connection.
class Http1Session final : public Session {
public:
    explicit Http1Session(SessionContext& context) : context_(context) {}
    ~Http1Session() override {
        if (state_ == State::Replying || state_ == State::Sending) report(false);
    }

    std::size_t feed(std::string_view bytes) override {
        if (state_ == State::Finished) return bytes.size();
        const std::size_t taken = state_ == State::Head ? feed_head(bytes) : 0;
        return state_ == State::Body ? taken + feed_body(bytes.substr(taken)) : taken;
    }

    void produce(Output& output) override {
        if (state_ != State::Sending) return;
        answered_at_once_ = !head_written_;
        if (!head_written_) write_head(output);
        write_body(output);
        answered_at_once_ = false;
    }

    bool wants_output() const override { return state_ == State::Sending && !reader_.filling(); }

    void drain() override {
        draining_ = true;
        if (state_ == State::Head && text_.head.empty()) state_ = State::Finished;
    }

    void notice() override { draining_ = true; }

    bool finished() const override { return state_ == State::Finished; }

    Waiting waiting() const override {
        switch (state_) {
            case State::Head:
                if (!text_.head.empty()) return Waiting::RequestHead;
                return requests_ == 0 ? Waiting::Greeting : Waiting::Nothing;
            case State::Body:
                return Waiting::RequestHead;  // small, and expected in the same time
            case State::Replying:
                return Waiting::Handler;
            case State::Sending:
                return reader_.awaits_producer() ? Waiting::Handler : Waiting::Peer;
            case State::Finished:
                break;
        }
        return Waiting::Nothing;
    }

    std::uint64_t requests() const override { return requests_; }

    void time_out() override {
        if ((state_ == State::Head && !text_.head.empty()) || state_ == State::Body) {
            refuse({.error = 408});
        } else {
            if (state_ != State::Head && state_ != State::Finished) report(false);
            pending_.reset();
            state_ = State::Finished;
        }
    }

private:
    enum class State : std::uint8_t { Head, Body, Replying, Sending, Finished };

    std::size_t feed_head(std::string_view bytes) {
        std::string& head = text_.head;
        std::size_t taken = 0;
        if (head.empty()) {
            taken = skip_empty_lines(bytes);
            bytes.remove_prefix(taken);
            if (bytes.empty() || state_ != State::Head) return taken + bytes.size();
        }
        const std::size_t known = head.size();
        const std::uint64_t limit = context_.config->http1.request_line + context_.config->http1.header_bytes;
        bytes = bytes.substr(0, limit + 4 - std::min<std::uint64_t>(known, limit));
        if (known == 0) {  // nearly always it has come whole
            const std::size_t end = bytes.find("\r\n\r\n");
            head.assign(bytes.substr(0, end == std::string_view::npos ? end : end + 4));
            end == std::string_view::npos ? refuse_oversized() : request_arrived();
            return taken + head.size();
        }
        head.append(bytes);
        const std::size_t end = head.find("\r\n\r\n", known < 3 ? 0 : known - 3);
        if (end == std::string::npos) {
            refuse_oversized();
            return taken + bytes.size();
        }
        head.resize(end + 4);
        request_arrived();
        return taken + (end + 4 - known);
    }

    // Before a request line, RFC 9112 §2.2. A bare CR or LF is no line: what one reader skips another takes for a request's
    // begin.
    std::size_t skip_empty_lines(std::string_view bytes) {
        std::size_t taken = 0;
        while (taken < bytes.size() && bytes[taken] == (amid_line_end_ ? '\n' : '\r')) {
            amid_line_end_ = !amid_line_end_;
            ++taken;
        }
        if (taken < bytes.size() && (amid_line_end_ || bytes[taken] == '\n')) refuse({.error = 400});
        return taken;
    }

    // Without a final empty line the limits are checked on what there is. What may be the beginning of a line's or the section's
    // end does not count yet: the answer must not depend on how the bytes were split.
    void refuse_oversized() {
        const config::Http1& limits = context_.config->http1;
        const std::size_t line_end = text_.head.find("\r\n");
        const std::size_t line = line_end == std::string::npos ? text_.head.size() - text_.head.ends_with('\r') : line_end;
        if (line > limits.request_line) {
            refuse({.error = 414, .limit = LimitHit::RequestLine});
        } else if (line_end != std::string::npos && text_.head.size() - line_end > limits.header_bytes + 3) {
            refuse({.error = 431, .limit = LimitHit::HeaderBytes});
        } else if (text_.head.find("\n\n") != std::string::npos) {
            refuse({.error = 400});  // bare line feeds would never come to an end
        }
    }

    void request_arrived() {
        clear_request();
        request_.secure = context_.secure;
        request_.peer = context_.peer;
        request_.received = loop::Loop::precise();
        const Http1Head head = parse_http1_head(text_, context_.config->http1, request_);
        if (head.error != 0) {
            refuse(head);
            return;
        }
        const std::uint64_t most = head.has_body ? context_.dispatcher.takes_body(request_) : 0;
        // Who takes no body answers at once, and the connection is closed, so that no byte of it can be taken for a request.
        keep_alive_ = head.keep_alive && !draining_ && (!head.has_body || most > 0);
        if (most == 0) return dispatch();
        if (head.body_bytes == 0) return refuse({.error = 411});  // in chunks
        if (head.body_bytes > most) return refuse({.error = 413});
        body_left_ = head.body_bytes;
        state_ = State::Body;
    }

    std::size_t feed_body(std::string_view bytes) {
        bytes = bytes.substr(0, body_left_);
        text_.body.append(bytes);
        body_left_ -= bytes.size();
        if (body_left_ == 0) {
            request_.body = text_.body;
            dispatch();
        }
        return bytes.size();
    }

    void dispatch() {
        begin_outcome();
        state_ = State::Replying;
        Reply reply = context_.dispatcher.handle(request_);
        if (auto* answer = std::get_if<Answer>(&reply)) {
            respond(std::move(*answer));
            return;
        }
        pending_ = std::move(std::get<Pending>(reply));
        pending_->start([this](Answer answer) {
            respond(std::move(answer));
            context_.wake();
        });
    }

    void refuse(const Http1Head& head) {
        if (head.limit != LimitHit::kCount) context_.observer.limit_hit(head.limit);
        if (request_.method_text.empty()) request_.method_text = "-";
        request_.secure = context_.secure;
        request_.peer = context_.peer;
        begin_outcome();
        keep_alive_ = false;
        Answer answer = status_answer(head.error);
        respond(std::move(answer));
    }

    void clear_request() {
        text_.added.clear();
        text_.body.clear();
        FieldList fields = std::move(request_.fields);  // its memory is for the next request
        fields.clear();
        request_ = Request{.fields = std::move(fields)};
    }

    void begin_outcome() {
        outcome_ = Outcome{};
        ++requests_;
    }

    void respond(Answer answer) {
        answer_ = std::move(answer);
        outcome_.status = answer_.status;
        outcome_.verdict = answer_.verdict;
        outcome_.coding = answer_.head->coding();
        outcome_.fill_time = answer_.fill_time;
        if (answer_.close || draining_) keep_alive_ = false;
        content_length_ = answer_.content_length.value_or(answer_.body.length());
        if (content_length_ == Body::kUnknownLength) frame_by_hand();
        reader_ = request_.method == Method::Head ? BodyReader() : BodyReader(std::move(answer_.body));
        head_written_ = false;
        state_ = State::Sending;
    }

    // Of unknown length: chunks where the client knows them, else the connection's end is the body's (RFC 9112 §6.1, §6.3).
    void frame_by_hand() {
        const bool head = request_.method == Method::Head;
        chunked_ = request_.protocol == Protocol::Http11;
        keep_alive_ = keep_alive_ && (chunked_ || head);
        if (head) answer_.body.clear();  // nobody reads it: it need not be made for this one
    }

    void write_head(Output& output) {
        head_written_ = true;
        outcome_.first_byte = loop::Loop::precise();
        HeadText text(output);
        text.add(status_line(answer_.status));
        text.add("date: ", context_.dispatcher.date(), "\r\n");
        text.add(answer_.head->http1());
        for (std::size_t i = 0; i < answer_.extra.size(); ++i) {
            const Field field = answer_.extra.at(i);
            text.add(field.name, ": ", field.value, "\r\n");
        }
        text.add("cache-status: ", cache_status(answer_.verdict), "\r\n");
        if (content_length_ == Body::kUnknownLength) {
            if (chunked_) text.add("transfer-encoding: chunked\r\n");
        } else if (answer_.status != 204 && answer_.status != 304) {
            char digits[24];
            const auto end = std::to_chars(digits, digits + sizeof digits, content_length_).ptr;
            text.add("content-length: ", std::string_view(digits, end), "\r\n");
        }
        if (!keep_alive_) {
            text.add("connection: close\r\n");
        } else if (request_.protocol == Protocol::Http10) {
            text.add("connection: keep-alive\r\n");
        }
        text.add("\r\n");
    }

    void write_body(Output& output) {
        for (;;) {
            const BodyReader::Peek next = reader_.peek(std::max<std::size_t>(output.room_shared(), 1));
            switch (next.state) {
                case BodyReader::State::End:
                    if (chunked_ && request_.method != Method::Head) output.append("0\r\n\r\n");
                    end_response();
                    return;
                case BodyReader::State::Failed:
                    cut_off();
                    return;
                case BodyReader::State::Waiting:
                    if (!reader_.filling()) reader_.fill_later(context_.loop, context_.pool, [this] { context_.wake(); });
                    return;
                case BodyReader::State::Ready:
                    break;
            }
            const std::size_t room = next.blob ? output.room_shared() : output.room();
            if (room == 0) return;
            const std::string_view run = next.run.substr(0, room);
            if (chunked_) {
                write_chunk(output, *next.blob, run);
            } else {
                next.blob ? output.append_shared(*next.blob, run) : output.append(run);
            }
            outcome_.body_bytes += run.size();
            reader_.advance(run.size());
        }
    }

    // RFC 9112 §7.1. What grows is always of blobs.
    static void write_chunk(Output& output, const BlobPtr& blob, std::string_view run) {
        char line[18];
        char* end = std::to_chars(line, line + 16, run.size(), 16).ptr;
        *end++ = '\r';
        *end++ = '\n';
        output.append({line, end});
        output.append_shared(blob, run);
        output.append("\r\n");
    }

    void end_response() {
        report(true);
        chunked_ = false;
        pending_.reset();
        answer_.head.reset();
        text_.head.clear();
        clear_request();
        state_ = keep_alive_ && !draining_ ? State::Head : State::Finished;
    }

    // The length, or a last chunk, was promised and cannot be kept: only closing tells the client.
    void cut_off() {
        report(false);
        pending_.reset();
        state_ = State::Finished;
    }

    void report(bool complete) {
        if (outcome_.status == 0) outcome_.status = kClientGone;
        outcome_.complete = complete;
        // An answer that left whole with its head has one time for both.
        outcome_.finished = answered_at_once_ ? outcome_.first_byte : loop::Loop::precise();
        context_.dispatcher.finished(request_, outcome_);
    }

    SessionContext& context_;
    State state_ = State::Head;
    bool draining_ = false;
    bool keep_alive_ = true;
    bool head_written_ = false;
    bool chunked_ = false;           // the answer; false between two
    bool amid_line_end_ = false;     // the CR of an empty line has come
    bool answered_at_once_ = false;  // during produce(): the head is of the same flush
    std::uint64_t content_length_ = 0;
    std::uint64_t body_left_ = 0;  // of the request's, to come
    std::uint64_t requests_ = 0;
    Http1Text text_;  // of the request being read or answered
    Request request_;
    Answer answer_;
    BodyReader reader_;
    Outcome outcome_;
    Pending pending_;
};

}  // namespace

std::unique_ptr<Session> make_http1_session(SessionContext& context) { return std::make_unique<Http1Session>(context); }

}  // namespace selvage::http
