#include "server/representations/own_load.h"

#include <algorithm>
#include <ctime>
#include <thread>

namespace selvage::representations {

namespace {

std::int64_t nanoseconds_of(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

OwnLoad::OwnLoad() : cores_(std::max(1U, std::thread::hardware_concurrency())), before_(read()) {}

OwnLoad::Reading OwnLoad::read() {
    return {std::chrono::steady_clock::now(), nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID) - nanoseconds_of(CLOCK_THREAD_CPUTIME_ID)};
}

double OwnLoad::operator()() {
    const Reading now = read();
    const double elapsed = std::chrono::duration<double, std::nano>(now.when - before_.when).count();
    const auto used = static_cast<double>(now.others_ns - before_.others_ns);
    before_ = now;
    return elapsed > 0 ? std::max(0.0, used / elapsed / cores_) : 0;
}

}  // namespace selvage::representations
