// How long a connection waits, for what, and what becomes of it then: protocol-and-limits §2, §3.
#include <utility>

#include "server/net/connection.h"

namespace selvage::net {

void Connection::update_deadline() {
    if (lingering_ || (tls_ && !tls_->handshake_done()) || !session_) return;  // still what start() or begin_close() set
    const config::Timeouts& timeouts = context_.config->timeouts;
    const SteadyTime now = host_.loop.now();
    const http::Waiting waiting = unsent_ ? http::Waiting::Peer : session_->waiting();
    // Input alone renews neither a head's time nor a blocked write's; an answer in between does, as the next head is another one.
    const bool other = std::exchange(deadline_for_, waiting) != waiting;
    const bool renew = std::exchange(progressed_, false) || other;
    const auto within = [&](std::chrono::milliseconds time, http::LimitHit limit) {
        if (renew) deadline_ = now + time;
        deadline_limit_ = limit;
    };
    switch (waiting) {
        case http::Waiting::Greeting:
            return within(timeouts.handshake, http::LimitHit::Handshake);
        case http::Waiting::Nothing:
            return wait_for_request(now, other);
        case http::Waiting::RequestHead:  // in total, however it trickles
            return within(timeouts.header, http::LimitHit::HeaderTime);
        case http::Waiting::HeaderBlock:  // timed by the session, whatever leaves meanwhile
        case http::Waiting::Handler:
            deadline_ = SteadyTime::max();
            break;
        case http::Waiting::Peer:
            return within(timeouts.write, http::LimitHit::WriteProgress);
    }
}

// A PING or any other frame shows that somebody is there, for a while; an empty line of HTTP/1 does not.
void Connection::wait_for_request(SteadyTime now, bool began_to_wait) {
    const config::Timeouts& timeouts = context_.config->timeouts;
    const std::uint64_t requests = session_->requests();
    if (std::exchange(requests_, requests) != requests || began_to_wait) last_use_ = now;
    const SteadyTime since = http2_ ? now : last_use_;
    const bool capped = last_use_ + timeouts.idle_pings < since + timeouts.idle;
    deadline_ = capped ? last_use_ + timeouts.idle_pings : since + timeouts.idle;
    deadline_limit_ = capped ? http::LimitHit::IdlePings : http::LimitHit::Idle;
}

void Connection::tick(SteadyTime now) {
    if (over_) return;
    if (session_ && !lingering_) {
        if (!unsent_) session_->tick(now);  // what the socket does not take is not the windows' fault
        if (draining_ && now >= drain_from_) session_->drain();
        if (draining_ || session_->wants_output()) wake();
    }
    if (draining_ && !heard_ && now >= drain_from_) return end();
    const config::Config& config = *context_.config;
    if (slow_write_.is_too_slow(now, config.timeouts.slow_write, config.limits.write_rate)) {
        return give_up(http::LimitHit::WriteRate);
    }
    if (now < deadline_) return;
    if (lingering_) return end();
    if (!session_ || unsent_) return give_up(deadline_limit_);
    host_.observer.limit_hit(deadline_limit_);
    deadline_ = now + kLinger;  // for the last words
    session_->time_out();
    wake();
}

void Connection::give_up(http::LimitHit limit) {
    host_.observer.limit_hit(limit);
    stream_.forget_unsent();
    end();
}

}  // namespace selvage::net
