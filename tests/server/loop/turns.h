#pragma once

#include <catch2/catch.hpp>

#include <chrono>
#include <future>
#include <thread>
#include <type_traits>

#include "server/loop/loop.h"
#include "server/loop/timer.h"

namespace selvage::testing {

// Turns the loop until `done` holds. What never happens fails the test after 20 seconds instead of hanging it.
//
// The ticks bound each turn, which may wait for what only another thread will see.
template <typename Done>
void run_until(loop::Loop& loop, Done done) {
    loop::Timer tick(loop, [] {});
    tick.repeat(std::chrono::milliseconds(10));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    bool holds = done();
    while (!holds && std::chrono::steady_clock::now() < deadline) {
        loop.turn();
        holds = done();
    }
    REQUIRE(holds);
}

// A loop with a thread of its own.
class LoopThread {
public:
    LoopThread() : thread_([this] { loop.run(); }) {}
    ~LoopThread() {
        loop.post([this] { loop.stop(); });
        thread_.join();
    }
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;

    // Runs it on the loop's thread and waits for it: also a barrier after all that was posted before.
    template <typename Task>
    void call(Task task) {
        std::promise<void> done;
        loop.post([&] {
            task();
            done.set_value();
        });
        done.get_future().get();
    }

    loop::Loop loop;

private:
    std::thread thread_;
};

}  // namespace selvage::testing
