#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>

#include "server/http/counters.h"
#include "server/representations/background_queue.h"

namespace selvage::representations {

// The background queue as a thread that the system runs when no other wants the core (SCHED_IDLE).
//
// It looks at the load before each work and in go_on(), at most every `window`; above `pause_above` it stands still and looks
// again after each window.
class NicedQueue final : public BackgroundQueue {
public:
    struct Limits {
        std::size_t most = 10'000;       // works that wait
        std::uint64_t pause_above = 60;  // percent of all cores, which the server uses beside this thread
    };
    // What the server has used since the call before, as a share of all cores: 0…1, or more. Called on the queue's thread alone.
    using Load = std::move_only_function<double()>;
    static constexpr std::chrono::milliseconds kWindow{100};

    NicedQueue(Limits limits, Load load, http::Counters& counters, std::chrono::milliseconds window = kWindow);
    ~NicedQueue() override;
    NicedQueue(const NicedQueue&) = delete;
    NicedQueue& operator=(const NicedQueue&) = delete;

    bool add(const Key128& key, std::uint64_t worth, Work work) override;
    void raise(const Key128& key, std::uint64_t worth) override;
    bool go_on() override;
    std::size_t size() const override;

    void set_limits(Limits limits);
    // Nothing is begun any more, and go_on() says no. Any thread; waits for nothing. The destructor waits for the step under way.
    void stop();
    // Is a work under way, standing still or not?
    bool busy() const { return busy_.load(std::memory_order_relaxed); }
    bool standing_still() const { return standing_still_.load(std::memory_order_relaxed); }

private:
    using Clock = std::chrono::steady_clock;
    struct Place {
        std::uint64_t worth;
        std::uint64_t number;  // in the order of coming
        Key128 key;
        bool operator<(const Place& other) const { return worth != other.worth ? worth > other.worth : number < other.number; }
    };
    struct Waiting {
        Place place;
        Work work;
    };

    void serve();
    void rest(std::unique_lock<std::mutex>& lock);
    void raise_locked(Waiting& waiting, std::uint64_t worth);
    Work take_best();

    const std::chrono::milliseconds window_;
    http::Counters& counters_;
    Load load_;                 // its own thread's, as is
    Clock::time_point looked_;  // at the load
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Limits limits_;
    std::set<Place> order_;
    std::unordered_map<Key128, Waiting> waiting_;
    std::uint64_t numbers_ = 0;
    bool stopping_ = false;
    std::atomic<bool> busy_{false};
    std::atomic<bool> standing_still_{false};
    std::thread thread_;  // last: it uses all the others
};

}  // namespace selvage::representations
