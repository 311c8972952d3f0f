#include "server/loop/work_pool.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include "tests/server/loop/turns.h"

using namespace selvage;
using loop::Loop;
using loop::Operation;
using loop::WorkPool;
using testing::run_until;
using Lane = WorkPool::Lane;

namespace {

// Work that has begun waits here until the test lets it go.
struct Gate {
    std::promise<void> entered, open;
    std::shared_future<void> opened = open.get_future().share();

    int pass(int value) {
        entered.set_value();
        opened.get();
        return value;
    }
    void wait_until_entered() { entered.get_future().get(); }
};

}  // namespace

TEST_CASE("work runs on a thread of the pool, its completion on the loop") {
    Loop loop;
    WorkPool pool(1);
    std::thread::id worked, completed;
    int result = 0;
    const Operation operation = pool.submit(
        loop, Lane::Now,
        [&] {
            worked = std::this_thread::get_id();
            return 42;
        },
        [&](int value) {
            completed = std::this_thread::get_id();
            result = value;
        });
    run_until(loop, [&] { return result != 0; });
    CHECK(result == 42);
    CHECK(completed == std::this_thread::get_id());
    CHECK(worked != completed);
}

SCENARIO("dropping an operation") {
    Loop loop;
    WorkPool pool(1);
    Gate gate;
    bool completed = false, barrier = false, began = false;
    std::optional<Operation> running = pool.submit(loop, Lane::Now, [&] { return gate.pass(1); }, [&](int) { completed = true; });
    gate.wait_until_entered();

    WHEN("its work is under way") {
        running.reset();
        gate.open.set_value();
        const Operation next = pool.submit(loop, Lane::Now, [] { return 0; }, [&](int) { barrier = true; });
        run_until(loop, [&] { return barrier; });
        THEN("its completion never runs") { CHECK(!completed); }
    }
    WHEN("its work is done and the completion already on its way to the loop") {
        gate.open.set_value();
        const Operation next = pool.submit(loop, Lane::Background, [] { return 0; }, [&](int) { barrier = true; });
        std::promise<void> passed;
        pool.detach(Lane::Now, [&] { passed.set_value(); });  // the one thread has posted by then
        passed.get_future().get();
        running.reset();
        run_until(loop, [&] { return barrier; });
        THEN("its completion never runs") { CHECK(!completed); }
    }
    WHEN("its work is still queued") {
        std::optional<Operation> queued = pool.submit(
            loop, Lane::Now,
            [&] {
                began = true;
                return 2;
            },
            [&](int) { completed = true; });
        CHECK(pool.queued(Lane::Now) == 1);
        queued.reset();
        running.reset();
        gate.open.set_value();
        const Operation next = pool.submit(loop, Lane::Now, [] { return 0; }, [&](int) { barrier = true; });
        run_until(loop, [&] { return barrier; });
        THEN("the work is skipped") {
            CHECK(!began);
            CHECK(!completed);
        }
    }
}

SCENARIO("withdrawing an operation") {
    Loop loop;
    WorkPool pool(1);
    Gate gate;
    bool completed = false, over = false, began = false, barrier = false;
    std::optional<Operation> running = pool.submit(loop, Lane::Now, [&] { return gate.pass(1); }, [&](int) { completed = true; });
    gate.wait_until_entered();
    const auto run_all = [&] {  // what is queued, and what it has posted
        gate.open.set_value();
        const Operation last = pool.submit(loop, Lane::Now, [] { return 0; }, [&](int) { barrier = true; });
        run_until(loop, [&] { return barrier; });
    };

    WHEN("its work is under way") {
        running->withdraw([&] { over = true; });
        CHECK(!over);
        run_all();
        THEN("its end is told, not its result") {
            CHECK(over);
            CHECK(!completed);
        }
    }
    WHEN("its work is still queued") {
        Operation queued = pool.submit(
            loop, Lane::Now,
            [&] {
                began = true;
                return 2;
            },
            [&](int) { completed = true; });
        queued.withdraw([&] { over = true; });
        running.reset();
        run_all();
        THEN("the work is skipped, and that is its end") {
            CHECK(over);
            CHECK(!began);
            CHECK(!completed);
        }
    }
    WHEN("it is dropped afterwards") {
        running->withdraw([&] { over = true; });
        running.reset();
        run_all();
        THEN("nothing is told at all") {
            CHECK(!over);
            CHECK(!completed);
        }
    }
    WHEN("its end drops it") {
        running->withdraw([&] {
            over = true;
            running.reset();
        });
        run_all();
        CHECK(over);
    }
}

TEST_CASE("neither lane waits for the other") {
    Loop loop;
    WorkPool pool(1);
    for (const auto& [blocked, free] : {std::pair{Lane::Now, Lane::Background}, std::pair{Lane::Background, Lane::Now}}) {
        Gate gate;
        int completed = 0;
        const Operation held = pool.submit(loop, blocked, [&] { return gate.pass(1); }, [&](int) { ++completed; });
        gate.wait_until_entered();
        const Operation other = pool.submit(loop, free, [] { return 2; }, [&](int) { ++completed; });
        run_until(loop, [&] { return completed == 1; });
        CHECK(pool.busy());
        gate.open.set_value();
        run_until(loop, [&] { return completed == 2; });
    }
}

TEST_CASE("a full lane says so, and only that lane") {
    Gate gate;  // outlives the thread that waits in it
    WorkPool pool(1);
    pool.detach(Lane::Now, [&] { gate.pass(0); });
    gate.wait_until_entered();
    for (std::size_t i = 0; i < WorkPool::kMaxQueued; ++i) {
        REQUIRE(!pool.full(Lane::Now));
        pool.detach(Lane::Now, [] {});
    }
    CHECK(pool.full(Lane::Now));
    CHECK(!pool.full(Lane::Background));
    gate.open.set_value();
}

TEST_CASE("a pool that goes waits for what runs and drops what is queued") {
    std::atomic<bool> finished = false;
    {
        Gate gate;
        auto held = std::make_shared<int>(0);
        std::optional<WorkPool> pool(1);
        pool->detach(Lane::Now, [&] {
            gate.pass(0);
            finished = true;
        });
        gate.wait_until_entered();
        pool->detach(Lane::Now, [held] { ++*held; });
        pool->detach(Lane::Now, [held] { ++*held; });
        std::jthread opener([&] { gate.open.set_value(); });
        pool.reset();
        CHECK(finished);
        CHECK(held.use_count() == 1);  // whether they ran before the end or were dropped
    }
}

TEST_CASE("a loop may go while the pool still works for it") {
    // At shutdown a client is cut off while its read is under way: the result has nowhere to go, and must not look for it.
    WorkPool pool(1);
    Gate gate;
    auto held = std::make_shared<int>(0);
    auto loop = std::make_unique<Loop>();
    std::optional<Operation> operation = pool.submit(*loop, Lane::Now, [&] { return gate.pass(1); }, [held](int) {});
    gate.wait_until_entered();
    operation.reset();
    loop.reset();
    gate.open.set_value();
    std::promise<void> passed;
    pool.detach(Lane::Now, [&] { passed.set_value(); });
    passed.get_future().get();
    CHECK(held.use_count() == 1);
}
