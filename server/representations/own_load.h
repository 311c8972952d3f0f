#pragma once

#include <chrono>
#include <cstdint>

namespace selvage::representations {

// How much of this machine's processors this process uses beside the thread that asks: loops, pool, all.
//
// By the clocks of the process and of the thread (clock_gettime(2)): no file is read. One thread's.
class OwnLoad {
public:
    OwnLoad();

    // Of all cores, on average since the call before: 0…1.
    double operator()();

private:
    struct Reading {
        std::chrono::steady_clock::time_point when;
        std::int64_t others_ns;  // CPU time of all threads but this
    };
    static Reading read();

    const double cores_;
    Reading before_;
};

}  // namespace selvage::representations
