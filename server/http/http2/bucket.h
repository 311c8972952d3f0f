#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/time.h"

namespace selvage::http::h2 {

// A leaky bucket: so much at once, and so much per second in the long run.
class Bucket {
public:
    Bucket(unsigned burst, unsigned per_second) : credit_(burst), burst_(burst), per_second_(per_second) {}

    // False: more than there is.
    bool take(unsigned cost, SteadyTime now) {
        now = std::max(now, filled_);
        const std::chrono::duration<double> passed = now - std::exchange(filled_, now);
        credit_ = std::min<double>(burst_, credit_ + passed.count() * per_second_) - cost;
        return credit_ >= 0;
    }

private:
    double credit_;
    SteadyTime filled_{};
    unsigned burst_, per_second_;
};

}  // namespace selvage::http::h2
