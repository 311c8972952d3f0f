#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "server/loop/deferred.h"
#include "server/net/connection.h"

namespace selvage::net {

// Who makes room when there is none: connections without a request under way, also silent ones and unfinished handshakes, the one
// idle longest first (protocol-and-limits §3). It is told to leave (GOAWAY, close) and has left a moment later, or is cut off.
//
// For the connections of one loop. Looks at 64 of them per call, amortised: a scan of all finds the next 64 or more to go, who
// are asked again when it is their turn; another scan has to be earned by as many calls, or by a second's rest.
class Shedding {
public:
    using Connections = std::vector<std::unique_ptr<Connection>>;
    explicit Shedding(const Connections& connections) : connections_(connections) {
        next_.next = next_.previous = &next_;
        told_.next = told_.previous = &told_;
    }
    Shedding(const Shedding&) = delete;
    Shedding& operator=(const Shedding&) = delete;

    bool tell_oldest();               // false: nobody is idle, or it would cost too much to find out now
    bool cut_off();                   // who was told first and is still there; false: nobody
    void forget(Connection& leaver);  // it is over: before it is dropped
    void rest() { visits_ = kAny; }   // each second

    std::size_t told() const { return told_count_; }            // and not cut off
    std::size_t leaving() const { return told_count_ + cut_; }  // told or cut off, and not yet forgotten

private:
    static constexpr std::size_t kAny = ~std::size_t{0} / 2;

    bool look_around();

    const Connections& connections_;
    loop::Ring next_;  // to go, the oldest first
    loop::Ring told_;  // leaving, the earliest first
    std::size_t told_count_ = 0;
    std::size_t cut_ = 0;
    std::size_t visits_ = kAny;       // earned
    std::vector<Connection*> found_;  // kept for its memory
};

}  // namespace selvage::net
