#include "server/net/connection.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace selvage::net {

namespace {

// A response head and a frame always fit into what is left above it.
constexpr std::size_t kLeastRoom = 64 * 1024;
// Then the other connections have their turn.
constexpr int kFlushesPerTurn = 2;
constexpr auto kLinger = std::chrono::seconds(2);

}  // namespace

// One flush: a buffer being filled by the session, in plain or through TLS.
class Connection::Flush : public http::Output {
public:
    explicit Flush(loop::BufferPtr buffer) : buffer_(std::move(buffer)) {}
    virtual void seal() = 0;  // what is staged goes into the buffer
    bool overflown() const { return overflown_; }
    loop::BufferPtr release() { return std::move(buffer_); }

protected:
    void put(std::string_view bytes) {
        if (bytes.size() > loop::Buffer::kCapacity - buffer_->size) {
            overflown_ = true;  // a session that ignores room(): the connection cannot be saved, the process can
            return;
        }
        std::memcpy(buffer_->data() + buffer_->size, bytes.data(), bytes.size());
        buffer_->size += bytes.size();
    }
    std::size_t space() const { return buffer_->size >= loop::Buffer::kTarget ? 0 : loop::Buffer::kTarget - buffer_->size; }

private:
    loop::BufferPtr buffer_;
    bool overflown_ = false;
};

class Connection::PlainFlush final : public Flush {
public:
    using Flush::Flush;
    std::size_t room() const override { return space(); }
    void append(std::string_view bytes) override { put(bytes); }
    void seal() override {}
};

// Full 16 KiB records across frames: 1,370-byte records cost 1.9 times as much.
class Connection::SealedFlush final : public Flush, TlsChannel::Sink {
public:
    SealedFlush(loop::BufferPtr buffer, TlsChannel& channel, char* record)
        : Flush(std::move(buffer)), channel_(channel), record_(record) {
        channel_.set_sink(this);
    }
    ~SealedFlush() override { channel_.set_sink(nullptr); }

    std::size_t room() const override {
        const std::size_t left = space();
        return left > staged_ ? left - staged_ : 0;
    }

    void append(std::string_view bytes) override {
        while (!bytes.empty()) {
            if (staged_ == 0 && bytes.size() >= ConnectionHost::kRecord) {  // straight from the object
                channel_.write(bytes.substr(0, ConnectionHost::kRecord));
                bytes.remove_prefix(ConnectionHost::kRecord);
                continue;
            }
            const std::size_t size = std::min(ConnectionHost::kRecord - staged_, bytes.size());
            std::memcpy(record_ + staged_, bytes.data(), size);
            staged_ += size;
            bytes.remove_prefix(size);
            if (staged_ == ConnectionHost::kRecord) seal();
        }
    }

    void seal() override {
        if (staged_ > 0) channel_.write({record_, staged_});
        staged_ = 0;
    }

private:
    void take(std::string_view records) override { put(records); }

    TlsChannel& channel_;
    char* record_;
    std::size_t staged_ = 0;
};

Connection::Connection(ConnectionHost& host, std::unique_ptr<loop::TcpStream> stream, TlsContextPtr tls, config::ConfigPtr config,
                       std::move_only_function<void(Connection*)> ended)
    : host_(host),
      stream_(std::move(stream)),
      tls_(tls ? std::make_unique<TlsChannel>(std::move(tls)) : nullptr),
      context_{.loop = host.loop,
               .pool = host.pool,
               .dispatcher = host.dispatcher,
               .observer = host.observer,
               .config = std::move(config),
               .secure = tls_ != nullptr,
               .peer = stream_->peer_address(),
               .wake = [this] { wake(); }},
      ended_(std::move(ended)),
      alive_(std::make_shared<bool>(true)) {
    stream_->set_events(this);
}

Connection::~Connection() = default;

void Connection::start() {
    deadline_ = host_.loop.now() + context_.config->timeouts.handshake;
    deadline_limit_ = http::LimitHit::Handshake;
    reading_ = true;
    stream_->read_start();
}

bool Connection::idle() const { return !session_ || session_->waiting() == http::Waiting::Nothing; }

void Connection::drain() {
    if (over_) return;
    if (!session_) {
        end();
        return;
    }
    draining_ = true;
    session_->drain();
    wake();
}

void Connection::abort() {
    if (!over_) end();
}

void Connection::on_bytes(std::string_view bytes) {
    if (over_ || lingering_) return;
    input_ = bytes;
    pump();
    hold_input();
}

void Connection::on_end() {
    if (over_) return;
    peer_finished_ = true;
    // A client may close its half and still wait for answers (RFC 9112 §9.6); a failed connection shows when writing.
    const bool answering =
        session_ && (session_->waiting() == http::Waiting::Handler || session_->waiting() == http::Waiting::Peer);
    if (lingering_ || !answering) {
        end();
        return;
    }
    session_->drain();
    wake();
}

void Connection::on_written(bool ok) {
    writing_ = false;
    progressed_ = true;
    if (over_) return;
    if (!ok) {
        end();
        return;
    }
    resume();
}

void Connection::resume() {
    if (over_ || writing_ || lingering_) return;
    std::string held = std::move(held_);
    held_.clear();
    input_ = held;
    pump();
    hold_input();
}

// The slice belongs to the loop's read buffer: what could not be taken is copied, and nothing more is read until it was.
void Connection::hold_input() {
    if (over_) return;
    if (!input_.empty()) held_.assign(input_);
    input_ = {};
    const bool should_read = (held_.empty() && plain_rest_.size() < http::kHttp2Preface.size() && !writing_) || lingering_;
    if (should_read != reading_ && !peer_finished_) {
        reading_ = should_read;
        should_read ? stream_->read_start() : stream_->read_stop();
    }
}

void Connection::wake() {
    if (wake_posted_ || over_) return;
    wake_posted_ = true;
    host_.loop.post([this, alive = std::weak_ptr<bool>(alive_)] {
        if (alive.expired()) return;
        wake_posted_ = false;
        resume();
    });
}

bool Connection::feed_some() {
    if (session_ && !plain_rest_.empty()) {  // what it did not take before comes first
        const std::string rest = std::move(plain_rest_);
        plain_rest_.clear();
        return offer(rest);
    }
    return tls_ ? feed_sealed() : feed_plain();
}

bool Connection::feed_sealed() {
    bool progress = false;
    if (!tls_->handshake_done()) {
        if (input_.empty()) return false;
        tls_->set_input(input_);
        const TlsChannel::Step step = tls_->handshake();
        input_ = tls_->input_left();
        if (step == TlsChannel::Step::Failed) {
            host_.log.debug("tls", "handshake with {} failed: {}", context_.peer, tls_->failure());
            failed_ = true;
        }
        if (step != TlsChannel::Step::Done) return false;
        choose_session(tls_->selected_h2());
        progress = true;
    }
    tls_->set_input(input_);
    std::size_t size = 0;
    TlsChannel::Step step = TlsChannel::Step::Done;
    while (plain_rest_.empty() && step == TlsChannel::Step::Done) {
        step = tls_->read(host_.plain_buffer.get(), ConnectionHost::kPlain, &size);
        if (step == TlsChannel::Step::Done) progress |= offer({host_.plain_buffer.get(), size});
    }
    input_ = tls_->input_left();
    if (step == TlsChannel::Step::Failed) failed_ = true;
    if (step == TlsChannel::Step::Closed && !peer_finished_) {
        peer_finished_ = true;
        session_->drain();
    }
    return progress;
}

bool Connection::feed_plain() {
    if (input_.empty()) return false;
    if (!session_) {  // HTTP/2 by prior knowledge shows in its first bytes (RFC 9113 §3.3)
        plain_rest_.append(input_);
        input_ = {};
        const std::size_t seen = std::min(plain_rest_.size(), http::kHttp2Preface.size());
        const bool preface = http::kHttp2Preface.starts_with(std::string_view(plain_rest_).substr(0, seen));
        if (preface && seen < http::kHttp2Preface.size()) return false;
        choose_session(preface);
        const std::string rest = std::move(plain_rest_);
        plain_rest_.clear();
        return offer(rest);
    }
    const std::size_t taken = session_->feed(input_);
    input_.remove_prefix(taken);
    return taken > 0;
}

bool Connection::offer(std::string_view plain) {
    const std::size_t taken = session_->feed(plain);
    if (taken < plain.size()) plain_rest_.assign(plain.substr(taken));
    return taken > 0;
}

void Connection::choose_session(bool http2) {
    session_ = http2 ? http::make_http2_session(context_) : http::make_http1_session(context_);
}

void Connection::pump() {
    if (over_ || writing_) return;
    int flushes = 0;
    while (flush_once()) {
        if (++flushes == kFlushesPerTurn) {
            // Input counts too: a pipelined request that still waits has no output yet, and nothing else would come back to it.
            if (session_ && (session_->wants_output() || !input_.empty() || !plain_rest_.empty())) wake();
            break;
        }
    }
    if (over_) return;
    if (!writing_ && (failed_ || (session_ && session_->finished()) || (peer_finished_ && idle()))) {
        begin_close();
        return;
    }
    update_deadline();
}

bool Connection::flush_once() {
    loop::BufferPtr buffer = host_.loop.buffers().take();
    bool overflown = false;
    {
        const auto fill = [this](Flush& flush) {
            do {
                if (session_) session_->produce(flush);
            } while (!failed_ && flush.room() >= kLeastRoom && feed_some());
            flush.seal();
        };
        if (tls_) {
            SealedFlush flush(std::move(buffer), *tls_, host_.record_buffer.get());
            fill(flush);
            overflown = flush.overflown();
            buffer = flush.release();
        } else {
            PlainFlush flush(std::move(buffer));
            fill(flush);
            overflown = flush.overflown();
            buffer = flush.release();
        }
    }
    if (overflown) {
        host_.log.error("connection", "an answer to {} overflowed its output buffer", context_.peer);
        end();
        return false;
    }
    if (buffer->size == 0) return false;
    return send(std::move(buffer));
}

bool Connection::send(loop::BufferPtr buffer) {
    const Result<std::size_t> sent = stream_->try_write({buffer->data(), buffer->size});
    if (!sent) {
        end();
        return false;
    }
    progressed_ |= *sent > 0;
    if (*sent == buffer->size) return true;
    writing_ = true;
    stream_->write(std::move(buffer), *sent);
    return false;
}

void Connection::begin_close() {
    if (tls_ && !failed_) {
        loop::BufferPtr buffer = host_.loop.buffers().take();
        SealedFlush flush(std::move(buffer), *tls_, host_.record_buffer.get());
        tls_->close_notify();
        buffer = flush.release();
        if (buffer->size > 0) send(std::move(buffer));
        if (over_) return;
    }
    if (peer_finished_ || failed_) {
        end();
        return;
    }
    lingering_ = true;
    input_ = {};
    held_.clear();
    plain_rest_.clear();
    stream_->shutdown();
    deadline_ = host_.loop.now() + kLinger;
}

void Connection::end() {
    over_ = true;
    stream_->read_stop();
    reading_ = false;
    // Not from within its own callbacks: the owner drops it in the next turn.
    host_.loop.post([this, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired()) ended_(this);
    });
}

void Connection::update_deadline() {
    if (lingering_ || (tls_ && !tls_->handshake_done()) || !session_) return;  // still what start() or begin_close() set
    const config::Timeouts& timeouts = context_.config->timeouts;
    const SteadyTime now = host_.loop.now();
    const http::Waiting waiting = writing_ ? http::Waiting::Peer : session_->waiting();
    // Input alone renews neither a head's time nor a blocked write's; an answer in between does, as the next head is another one.
    const bool renew = std::exchange(progressed_, false) || waiting != deadline_for_;
    deadline_for_ = waiting;
    switch (waiting) {
        case http::Waiting::Nothing:
            deadline_ = now + timeouts.idle;
            deadline_limit_ = http::LimitHit::Idle;
            break;
        case http::Waiting::RequestHead:  // in total, however it trickles
            if (renew) deadline_ = now + timeouts.header;
            deadline_limit_ = http::LimitHit::HeaderTime;
            break;
        case http::Waiting::Handler:
            deadline_ = SteadyTime::max();
            break;
        case http::Waiting::Peer:
            if (renew) deadline_ = now + timeouts.write;
            deadline_limit_ = http::LimitHit::WriteProgress;
            break;
    }
}

void Connection::tick(SteadyTime now) {
    if (over_) return;
    if (draining_ && !lingering_) {
        session_->drain();
        wake();
    }
    if (now < deadline_) return;
    if (lingering_) {
        end();
        return;
    }
    host_.observer.limit_hit(deadline_limit_);
    if (!session_ || writing_) {
        end();
        return;
    }
    deadline_ = now + kLinger;  // for the last words
    session_->time_out();
    wake();
}

}  // namespace selvage::net
