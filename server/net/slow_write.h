#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace selvage::net {

// How slowly a client takes what waits for it: the bytes that its socket took, over the time that it was full. Time in which we
// have nothing to send, or send as fast as we can, is not the client's.
//
// Judged anew after each `after` of such time, so that a client that was fast once may not be slow for ever: one that begins to
// dribble is found after twice that at most, and one that merely stalls has that long too.
class SlowWrite {
public:
    void filled(SteadyTime now) {  // a send left something behind
        if (full_since_ == kNever) full_since_ = now;
    }
    void had_room(SteadyTime now) { add(now); }  // and the next send tries again
    void took(std::size_t bytes) { taken_ += bytes; }
    void emptied() { full_since_ = kNever; }

    // Bytes per second; 0: never.
    bool is_too_slow(SteadyTime now, std::chrono::milliseconds after, std::uint64_t bytes_per_second) {
        add(now);
        if (full_time_ < after) return false;
        const bool slow = taken_ < bytes_per_second * static_cast<std::uint64_t>(full_time_.count()) / 1'000;
        full_time_ = {};
        taken_ = 0;
        return slow;
    }

private:
    static constexpr SteadyTime kNever = SteadyTime::max();

    void add(SteadyTime now) {
        if (full_since_ == kNever) return;
        full_time_ += std::chrono::duration_cast<std::chrono::milliseconds>(now - full_since_);
        full_since_ = now;
    }

    SteadyTime full_since_ = kNever;
    std::chrono::milliseconds full_time_{};
    std::uint64_t taken_ = 0;
};

}  // namespace selvage::net
