#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace selvage::representations {

// How much the transform pool has to do just now, for those who decide what to ask of it. Written by the pool on its loop, read
// on any; the numbers need not be of one moment.
class TransformPressure {
public:
    unsigned idle_workers() const { return idle_.load(std::memory_order_relaxed); }
    // Is there room in the queue of expensive jobs?
    bool takes_heavy() const { return takes_heavy_.load(std::memory_order_relaxed); }
    // What a client's job that is asked for now will wait for a worker, by the estimated costs of those before it.
    std::chrono::microseconds wait() const { return std::chrono::microseconds(wait_us_.load(std::memory_order_relaxed)); }

    unsigned busy_workers() const { return busy_.load(std::memory_order_relaxed); }
    void set_busy(unsigned busy) { busy_.store(busy, std::memory_order_relaxed); }

    void set(unsigned idle, bool takes_heavy, std::chrono::microseconds wait) {
        idle_.store(idle, std::memory_order_relaxed);
        takes_heavy_.store(takes_heavy, std::memory_order_relaxed);
        wait_us_.store(wait.count(), std::memory_order_relaxed);
    }

private:
    std::atomic<unsigned> idle_{0}, busy_{0};
    std::atomic<bool> takes_heavy_{true};
    std::atomic<std::int64_t> wait_us_{0};
};

}  // namespace selvage::representations
