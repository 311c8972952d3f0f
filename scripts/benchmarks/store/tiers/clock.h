#pragma once

#include <time.h>

#include <chrono>

namespace selvage::bench {

// Time that has been spent: CPU of this thread, user and system, and by the wall; seconds.
struct Spent {
    double cpu = 0, wall = 0;
    Spent& operator+=(const Spent& more) {
        cpu += more.cpu;
        wall += more.wall;
        return *this;
    }
};

// Counts from its birth.
class Stopwatch {
public:
    Spent spent() const {
        return {cpu_now() - cpu_, std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_).count()};
    }

private:
    // Not getrusage(): that is as of the last tick.
    static double cpu_now() {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
    }
    std::chrono::steady_clock::time_point wall_ = std::chrono::steady_clock::now();
    double cpu_ = cpu_now();
};

}  // namespace selvage::bench
