#include "server/net/shedding.h"

#include <algorithm>

namespace selvage::net {

namespace {

using State = Connection::Shed::State;

constexpr std::size_t kVisits = 64;  // per call

Connection::Shed& first_of(loop::Ring& ring) { return static_cast<Connection::Shed&>(*ring.next); }
bool is_empty(const loop::Ring& ring) { return ring.next == &ring; }

}  // namespace

bool Shedding::tell_oldest() {
    visits_ += kVisits;
    for (;;) {
        if (is_empty(next_) && !look_around()) return false;
        Connection::Shed& oldest = first_of(next_);
        oldest.leave();
        Connection& connection = oldest.connection;
        if (!connection.idle() || connection.idle_since() != oldest.idle_since) continue;
        oldest.state = State::Told;
        oldest.join_before(told_);
        ++told_count_;
        connection.drain();
        return true;
    }
}

// A request that crossed the notice is finished: it had been promised that. RFC 9113 §6.8
bool Shedding::cut_off() {
    while (!is_empty(told_)) {
        Connection::Shed& first = first_of(told_);
        first.leave();
        --told_count_;
        first.state = first.connection.idle() ? State::CutOff : State::Finishing;
        if (first.state == State::Finishing) continue;
        ++cut_;
        first.connection.abort();
        return true;
    }
    return false;
}

void Shedding::forget(Connection& leaver) {
    if (leaver.shed.state == State::Told) --told_count_;
    if (leaver.shed.state == State::CutOff) --cut_;
    leaver.shed.leave();
}

bool Shedding::look_around() {
    if (visits_ < connections_.size()) return false;
    visits_ = 0;
    found_.clear();
    for (const auto& connection : connections_) {
        if (connection->shed.state != State::Stays || !connection->idle()) continue;
        connection->shed.idle_since = connection->idle_since();
        found_.push_back(connection.get());
    }
    const std::size_t wanted = std::min(found_.size(), std::max(kVisits, connections_.size() / kVisits));
    const auto end = found_.begin() + static_cast<std::ptrdiff_t>(wanted);
    const auto since = [](const Connection* connection) { return connection->shed.idle_since; };
    std::ranges::partial_sort(found_, end, {}, since);
    std::for_each(found_.begin(), end, [&](Connection* connection) { connection->shed.join_before(next_); });
    return wanted > 0;
}

}  // namespace selvage::net
