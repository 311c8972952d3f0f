#pragma once

#include <chrono>
#include <utility>

#include "base/time.h"

namespace selvage::cache_store {

// Rests a device that keeps failing: after kTolerated failures in a row it trips for kRest, and after that one more failure trips
// it again; one success forgets them all. Not thread-safe: its owner's mutex guards it.
//
// Three, because one failure is bad luck; 30 s, because a full disk is not emptied sooner by trying, and a person who empties it
// should not have to wait for minutes.
class Breaker {
public:
    static constexpr int kTolerated = 3;
    static constexpr std::chrono::seconds kRest{30};

    bool allows(SteadyTime now) const { return failures_ < kTolerated || now >= resting_until_; }

    // True when this failure trips it.
    bool failed(SteadyTime now) {
        const bool allowed = allows(now);
        if (failures_ < kTolerated) ++failures_;
        if (failures_ < kTolerated || !allowed) return false;
        resting_until_ = now + kRest;
        return true;
    }

    // True when this success ends a time of failure.
    bool succeeded() { return std::exchange(failures_, 0) >= kTolerated; }

private:
    int failures_ = 0;
    SteadyTime resting_until_{};
};

}  // namespace selvage::cache_store
