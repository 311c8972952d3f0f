// Work that nobody waits for: what is worth most first, and nothing while the server has its hands full.

#include "server/representations/niced_queue.h"

#include <catch2/catch.hpp>
#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

using namespace selvage;
using namespace selvage::representations;
using namespace std::chrono_literals;

namespace {

Key128 key(std::uint64_t number) { return {1, number}; }

// A gate that the queue's thread waits at.
class Gate {
public:
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return open_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
};

struct Ground {
    explicit Ground(std::size_t most = 100)
        : queue({.most = most, .pause_above = 50}, [this] { return looked(); }, counters, 0ms) {}

    double looked() {
        ++looks;
        return load;
    }
    // Holds the queue's thread, so that what is added is in the queue.
    void hold() {
        REQUIRE(queue.add(key(1'000), 1, [this] {
            held.open();
            let_go.wait();
        }));
        held.wait();
    }
    bool add(std::uint64_t number, std::uint64_t worth) {
        return queue.add(key(number), worth, [this, number] { done.push_back(number); });
    }
    std::vector<std::uint64_t> end() {
        Gate last;
        REQUIRE(queue.add(key(2'000), 0, [&] { last.open(); }));
        let_go.open();
        last.wait();
        return done;
    }

    http::Counters counters;
    std::atomic<double> load{0};
    std::atomic<int> looks{0};
    std::vector<std::uint64_t> done;  // the queue's thread's until its end
    Gate held, let_go;
    NicedQueue queue;
};

using Order = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("what is worth most is done first, and of equals what came first") {
    Ground ground;
    ground.hold();
    ground.add(1, 10);
    ground.add(2, 30);
    ground.add(3, 20);
    ground.add(4, 20);
    CHECK(ground.queue.size() == 4);
    CHECK(ground.end() == Order{2, 3, 4, 1});
    CHECK(ground.queue.size() == 0);
}

TEST_CASE("what is asked for often overtakes what was worth more") {
    Ground ground;
    ground.hold();
    ground.add(1, 10);
    ground.add(2, 30);
    ground.add(3, 20);
    ground.queue.raise(key(1), 25);
    THEN("what has its turn already, or never came, is not raised") { ground.queue.raise(key(77), 1'000); }
    THEN("a second work under the same key adds its worth and is dropped") { CHECK(ground.add(3, 20)); }
    const Order order = ground.end();
    CHECK(order.size() == 3);
    CHECK(order.back() == (order.front() == 3 ? 2 : 3));
}

TEST_CASE("a worth never overflows into being worthless") {
    Ground ground;
    ground.hold();
    ground.add(1, ~std::uint64_t{0});
    ground.add(2, 5);
    ground.queue.raise(key(1), 10);
    CHECK(ground.end() == Order{1, 2});
}

TEST_CASE("a full queue refuses, and counts it") {
    Ground ground(2);
    ground.hold();
    CHECK(ground.add(1, 1));
    CHECK(ground.add(2, 1));
    CHECK_FALSE(ground.add(3, 100));
    CHECK(ground.add(2, 1));  // waits already
    CHECK(ground.counters.value(http::LimitHit::CompressionQueue) == 1);
    WHEN("there is more room by configuration") {
        ground.queue.set_limits({.most = 4, .pause_above = 50});
        CHECK(ground.add(3, 100));
        CHECK(ground.end() == Order{3, 2, 1});
    }
    ground.let_go.open();
}

TEST_CASE("nothing is done while the server has its hands full, and all of it afterwards") {
    Ground ground;
    ground.load = 0.9;
    ground.add(1, 1);
    while (!ground.queue.standing_still()) std::this_thread::yield();
    const int looks = ground.looks;
    while (ground.looks < looks + 3) std::this_thread::yield();  // it looks again and again
    CHECK(ground.queue.size() == 1);
    CHECK(ground.counters.value(http::Counter::BackgroundPauses) == 1);
    ground.load = 0.4;
    CHECK(ground.end() == Order{1});
    CHECK_FALSE(ground.queue.standing_still());
}

TEST_CASE("a work that takes long stands still between its steps") {
    Ground ground;
    Gate finished;
    std::atomic<int> steps{0};
    ground.queue.add(key(1), 1, [&] {
        while (steps < 3 || ground.load > 0.5) {
            REQUIRE(ground.queue.go_on());
            if (++steps == 3) ground.load = 0.9;
        }
        finished.open();
    });
    while (!ground.queue.standing_still()) std::this_thread::yield();
    CHECK(steps == 3);
    ground.load = 0;
    finished.wait();
}

TEST_CASE("it stops within a step, whatever waits") {
    auto ground = std::make_unique<Ground>();
    std::atomic<bool> told{false};
    Gate begun;
    NicedQueue& queue = ground->queue;
    queue.add(key(1), 2, [&] {
        begun.open();
        while (queue.go_on()) std::this_thread::yield();
        told = true;
    });
    begun.wait();
    ground->add(2, 1);
    SECTION("while it works") {}
    SECTION("while it stands still") {
        ground->load = 1;
        while (!queue.standing_still()) std::this_thread::yield();
    }
    queue.stop();
    CHECK_FALSE(ground->add(3, 1));
    ground.reset();  // joins
    CHECK(told);
}

TEST_CASE("its thread runs when no other wants the core") {
    Ground ground;
    int policy = -1;
    ground.queue.add(key(1), 1, [&] { policy = sched_getscheduler(0); });
    ground.end();
    CHECK(policy == SCHED_IDLE);
}
