#include "server/loop/loop.h"

#include <catch2/catch.hpp>

#include <memory>
#include <thread>
#include <vector>

#include "server/loop/timer.h"
#include "tests/server/loop/turns.h"

using namespace selvage;
using loop::Loop;
using testing::LoopThread;
using testing::run_until;

TEST_CASE("posted tasks run in the order of posting, on the loop's thread") {
    Loop loop;
    std::vector<int> ran;
    std::thread::id where;
    for (int i = 0; i < 100; ++i) loop.post([&ran, i] { ran.push_back(i); });
    loop.post([&] { where = std::this_thread::get_id(); });
    run_until(loop, [&] { return ran.size() == 100; });
    for (int i = 0; i < 100; ++i) CHECK(ran[static_cast<std::size_t>(i)] == i);
    CHECK(where == std::this_thread::get_id());
}

TEST_CASE("a task posted by a task is not lost") {
    Loop loop;
    int depth = 0;
    std::function<void()> again = [&] {
        if (++depth < 1'000) loop.post(again);
    };
    loop.post(again);
    run_until(loop, [&] { return depth == 1'000; });
}

TEST_CASE("any thread may post; each keeps its own order and nothing is lost") {
    constexpr int kThreads = 4, kTasks = 2'000;
    LoopThread running;
    std::vector<std::vector<int>> ran(kThreads);
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < kThreads; ++t) {
            threads.emplace_back([&running, &list = ran[static_cast<std::size_t>(t)]] {
                for (int i = 0; i < kTasks; ++i) running.loop.post([&list, i] { list.push_back(i); });
            });
        }
    }
    running.call([] {});
    for (const std::vector<int>& list : ran) {
        REQUIRE(list.size() == kTasks);
        CHECK(std::is_sorted(list.begin(), list.end()));
    }
}

TEST_CASE("what is still posted when a loop goes is dropped, not run and not leaked") {
    auto held = std::make_shared<int>(1);
    bool ran = false;
    {
        Loop loop;
        loop.post([held, &ran] { ran = true; });
        CHECK(held.use_count() == 2);
    }
    CHECK(held.use_count() == 1);
    CHECK(!ran);
}

TEST_CASE("stop ends run() after the current turn; what was posted in it waits for the next run") {
    Loop loop;
    int after = 0;
    loop.post([&] {
        loop.stop();
        loop.post([&] { ++after; });
    });
    loop.run();
    const int then = after;
    run_until(loop, [&] { return after == 1; });
    CHECK(then <= 1);
}

SCENARIO("a timer") {
    Loop loop;
    int fired = 0;
    loop::Timer timer(loop, [&] { ++fired; });
    loop::Timer later(loop, [] {});
    using std::chrono::milliseconds;

    WHEN("it is started once") {
        timer.start(milliseconds(1));
        CHECK(timer.active());
        run_until(loop, [&] { return fired == 1; });
        THEN("it fires once and is at rest") { CHECK(!timer.active()); }
    }
    WHEN("it repeats") {
        timer.repeat(milliseconds(1));
        run_until(loop, [&] { return fired == 5; });
        THEN("it stays active until stopped") {
            CHECK(timer.active());
            timer.stop();
            CHECK(!timer.active());
        }
    }
    WHEN("it is stopped before its time") {
        bool passed = false;
        loop::Timer barrier(loop, [&] { passed = true; });
        timer.start(milliseconds(1));
        barrier.start(milliseconds(5));  // later than the one that is stopped
        timer.stop();
        run_until(loop, [&] { return passed; });
        THEN("it never fires") { CHECK(fired == 0); }
    }
    WHEN("it is dropped before its time") {
        bool passed = false;
        loop::Timer barrier(loop, [&] { passed = true; });
        {
            loop::Timer dropped(loop, [&] { fired = 100; });
            dropped.start(milliseconds(1));
        }
        barrier.start(milliseconds(5));
        run_until(loop, [&] { return passed; });
        THEN("it never fires") { CHECK(fired == 0); }
    }
    WHEN("it is started again while it runs") {
        timer.start(std::chrono::hours(1));
        timer.start(milliseconds(1));
        THEN("the last delay counts") {
            run_until(loop, [&] { return fired == 1; });
        }
    }
}

namespace {

struct Asker final : loop::Deferred {
    void on_turn() override {
        ++calls;
        if (then) then();
    }
    std::function<void()> then;
    int calls = 0;
};

}  // namespace

SCENARIO("asking to be called again") {
    Loop loop;
    Asker first, second;
    THEN("one is called once, however often one asks, and does not wait for an event") {
        first.call_soon(loop);
        first.call_soon(loop);
        loop.turn();
        CHECK(first.calls == 1);
    }
    THEN("who asks while called is called in the next turn") {
        first.then = [&] { first.call_soon(loop); };
        first.call_soon(loop);
        loop.turn();
        CHECK(first.calls == 1);
        loop.turn();
        CHECK(first.calls == 2);
        first.then = nullptr;
    }
    THEN("who is dropped is not called, even by one that was called before it in the same turn") {
        auto dropped = std::make_unique<Asker>();
        bool called = false;
        dropped->then = [&] { called = true; };
        first.then = [&] { dropped.reset(); };
        first.call_soon(loop);
        dropped->call_soon(loop);
        second.call_soon(loop);
        loop.turn();
        CHECK(!called);
        CHECK(second.calls == 1);
    }
}

TEST_CASE("output buffers are used again, and come back empty") {
    Loop loop;
    loop::BufferPtr first = loop.buffers().take();
    CHECK(first->append("ten bytes."));
    const loop::Buffer* address = first.get();
    first.reset();
    CHECK(loop.buffers().free_buffers() == 1);
    const loop::BufferPtr second = loop.buffers().take();
    CHECK(second.get() == address);
    CHECK(second->empty());
    CHECK(second->copied() == 0);
    CHECK(loop.buffers().free_buffers() == 0);
}
