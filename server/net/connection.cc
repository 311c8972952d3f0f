#include "server/net/connection.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace selvage::net {

namespace {

// Below, a session stops: the largest frame of HTTP/2 may no longer fit. What a session adds then, its last frame and the heads
// of what has just arrived, fits into the buffer's slack.
constexpr std::size_t kLeastRoom = 20 * 1024;
// Then the other connections have their turn.
constexpr int kFlushesPerTurn = 2;
// For a request that is under way to us while we give notice; clients that ask in a loop take less than a round trip.
constexpr auto kGrace = std::chrono::seconds(1);
// After that long the kernel begins anew with its first window (RFC 5681 §4.1), and so do our records.
constexpr auto kIdle = std::chrono::seconds(1);

}  // namespace

Connection::Connection(ConnectionHost& host, loop::Accepted client, TlsContextPtr tls, config::ConfigPtr config)
    : host_(host),
      stream_(host.loop, std::move(client.socket), *this),
      context_{.loop = host.loop,
               .pool = host.pool,
               .dispatcher = host.dispatcher,
               .observer = host.observer,
               .http2 = *host.http2,
               .config = std::move(config),
               .secure = tls != nullptr,
               .peer = to_string(client.address),
               .wake = [this] { wake(); }} {
    if (tls) tls_.emplace(std::move(tls));
}

Connection::~Connection() = default;

void Connection::start(AddressTable::Place place) {
    place_ = std::move(place);
    last_use_ = host_.loop.now();
    deadline_ = last_use_ + context_.config->timeouts.handshake;
    deadline_limit_ = http::LimitHit::Handshake;
    reading_ = true;
    stream_.read_start();
}

void Connection::start_behind_balancer() {
    start();
    proxy_header_ = std::make_unique<ProxyHeader>();
    deadline_limit_ = http::LimitHit::ProxyHeader;
}

bool Connection::read_proxy_header() {
    const ProxyHeader::State state = proxy_header_->feed(input_);
    if (state == ProxyHeader::State::NeedsMore) return false;
    if (state == ProxyHeader::State::Malformed) {
        host_.log.warn("connection", "{} is in server.proxy_protocol, but sent no PROXY header", context_.peer);
        host_.observer.limit_hit(http::LimitHit::ProxyHeader);
        end();
        return false;
    }
    deadline_limit_ = http::LimitHit::Handshake;
    if (const auto client = proxy_header_->client()) {
        context_.peer = to_string(*client);
        auto place = host_.addresses->admit(*client, host_.loop.now());
        if (!place) {
            host_.observer.limit_hit(place.error());
            end();
            return false;
        }
        place_ = *std::move(place);
    }
    proxy_header_.reset();
    return true;
}

bool Connection::idle() const {
    if (unsent_) return false;
    if (!session_) return true;
    const http::Waiting waiting = session_->waiting();
    return waiting == http::Waiting::Nothing || waiting == http::Waiting::Greeting;
}

// A client may close its half and still wait for answers (RFC 9112 §9.6), but half a request comes to nothing any more; a failed
// connection shows when writing.
bool Connection::answering() const {
    if (!session_) return false;
    const http::Waiting waiting = session_->waiting();
    return waiting == http::Waiting::Handler || waiting == http::Waiting::Peer;
}

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

void Connection::retire() {
    if (over_) return;
    draining_ = true;
    drain_from_ = host_.loop.now() + kGrace;
    give_notice();
    wake();
}

// A new connection of HTTP/2 has come for something: GOAWAY at once would send it away without.
void Connection::give_notice() {
    if (session_ && (!http2_ || session_->requests() > 0)) session_->notice();
}

void Connection::abort() {
    if (!over_) end();
}

void Connection::on_bytes(std::string_view bytes) {
    if (over_ || lingering_) return;
    input_ = bytes;
    heard_ = true;
    if (proxy_header_ && !read_proxy_header()) return;
    pump();
    hold_input();
}

// Who waits for an answer is gone: what is being made for him alone need not be.
void Connection::on_lost() {
    if (!over_) end();
}

void Connection::on_end() {
    if (over_) return;
    peer_finished_ = true;
    if (lingering_ || !answering()) {
        end();
        return;
    }
    session_->drain();
    wake();
}

void Connection::on_writable() {
    if (over_ || !unsent_) return;
    slow_write_.had_room(host_.loop.now());
    if (tls_ && pace_.had_room_after(host_.loop.now() - last_output_)) stream_.limit_unsent(pace_.unsent());
    if (!send(std::move(unsent_))) return;
    if (lingering_) {
        stream_.shutdown();
        return;
    }
    // What has arrived meanwhile may be more urgent than what would be produced now. No more than one read: a client that does
    // not take its answers is not listened to either.
    hold_input();
    if (held_.empty() && stream_.read_once()) return;
    resume();
}

void Connection::on_turn() { over_ ? host_.ended(this) : resume(); }

void Connection::resume() {
    if (over_ || unsent_ || lingering_) return;
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
    const bool should_read = (held_.empty() && plain_rest_.size() < http::kHttp2Preface.size() && !unsent_) || lingering_;
    if (should_read != reading_ && !peer_finished_) {
        reading_ = should_read;
        should_read ? stream_.read_start() : stream_.read_stop();
    }
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
    if (input_.empty()) return false;  // what is opened has been offered, and half a record is with the channel
    tls_->set_input(input_);
    bool progress = false;
    TlsChannel::Step step = TlsChannel::Step::Done;
    if (!tls_->handshake_done()) {
        if (!shake_hands()) return false;
        progress = true;
    }
    while (plain_rest_.empty() && step == TlsChannel::Step::Done && !tls_->input_left().empty()) {
        std::size_t size = 0;
        step = tls_->read(host_.plain_buffer.get(), ConnectionHost::kPlain, &size);
        if (step == TlsChannel::Step::Done) progress |= offer({host_.plain_buffer.get(), size});
    }
    input_ = tls_->input_left();
    if (step == TlsChannel::Step::TooManyUpdates) host_.observer.limit_hit(http::LimitHit::KeyUpdates);
    if (step == TlsChannel::Step::Failed || step == TlsChannel::Step::TooManyUpdates) failed_ = true;
    if (step == TlsChannel::Step::Closed && !peer_finished_) {
        peer_finished_ = true;
        session_->drain();
    }
    return progress;
}

bool Connection::shake_hands() {
    const TlsChannel::Step step = tls_->handshake();
    input_ = tls_->input_left();
    if (step == TlsChannel::Step::Failed) {
        host_.log.debug("tls", "handshake with {} failed: {}", context_.peer, tls_->failure());
        failed_ = true;
    }
    if (step != TlsChannel::Step::Done) return false;
    choose_session(tls_->selected_h2());
    return true;
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
    http2_ = http2;
    session_ = http2 ? http::make_http2_session(context_) : http::make_http1_session(context_);
    if (draining_) give_notice();
}

void Connection::pump() {
    if (over_ || unsent_) return;
    for (int flushes = 1;; ++flushes) {
        const Flushed flushed = flush_once();
        if (over_) return;
        if (flushed != Flushed::More) break;
        if (flushes == kFlushesPerTurn) {
            wake();
            break;
        }
    }
    if (!unsent_ && (failed_ || (session_ && session_->finished()) || (peer_finished_ && !answering()))) {
        begin_close();
        return;
    }
    update_deadline();
}

// Input first: it may ask for something more urgent than what fills the flush, or take it back.
bool Connection::fill(Flush& flush) {
    for (bool first = true; (!failed_ && feed_some()) || first; first = false) {
        if (session_) session_->produce(flush);
        if (std::min(flush.room(), flush.room_shared()) < kLeastRoom) return true;
    }
    return false;
}

Connection::Flushed Connection::flush_once() {
    loop::BufferPtr buffer = host_.loop.buffers().take();
    if (host_.loop.now() - last_output_ > kIdle) early_ = SealedFlush::kEarly;
    bool full = false, overflown = false;
    if (tls_) {
        host_.record_buffers.keep(*tls_);
        SealedFlush flush(*buffer, pace_.flush(), *tls_, host_.record_buffer.get(), early_);
        full = fill(flush);
        flush.seal();
        overflown = flush.overflown();
        if (!tls_->keeps_buffers()) tls_->release_buffers();
    } else {
        PlainFlush flush(*buffer);
        full = fill(flush);
        overflown = flush.overflown();
    }
    if (overflown) {
        host_.log.error("connection", "an answer to {} overflowed its output buffer", context_.peer);
        end();
        return Flushed::Stop;
    }
    if (!buffer->empty() && !send(std::move(buffer))) return Flushed::Stop;
    return full ? Flushed::More : Flushed::All;
}

bool Connection::send(loop::BufferPtr buffer) {
    const std::size_t before = buffer->size();
    last_output_ = host_.loop.now();
    const auto sent = stream_.send(*buffer);
    if (!sent) {
        end();
        return false;
    }
    progressed_ |= buffer->size() < before;
    slow_write_.took(before - buffer->size());
    if (tls_ && pace_.took(before - buffer->size(), before)) stream_.limit_unsent(pace_.unsent());
    if (*sent == loop::TcpStream::Sent::All) {
        slow_write_.emptied();
        return true;
    }
    slow_write_.filled(last_output_);
    unsent_ = std::move(buffer);
    return false;
}

void Connection::begin_close() {
    if (tls_ && !failed_) {
        loop::BufferPtr buffer = host_.loop.buffers().take();
        {
            const SealedFlush flush(*buffer, pace_.flush(), *tls_, host_.record_buffer.get(), early_);
            tls_->close_notify();
        }
        if (!buffer->empty()) send(std::move(buffer));
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
    if (!unsent_) stream_.shutdown();
    deadline_ = host_.loop.now() + kLinger;
}

void Connection::end() {
    over_ = true;
    stream_.read_stop();
    reading_ = false;
    call_soon(host_.loop);  // not from within its own callbacks: the owner drops it in a turn of its own
}

}  // namespace selvage::net
