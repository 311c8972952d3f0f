#include "server/representations/fills.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "server/loop/work_pool.h"
#include "server/representations/pool_fill.h"
#include "tests/server/loop/turns.h"

using namespace selvage;
using namespace selvage::representations;
using selvage::testing::LoopThread;
using selvage::testing::run_until;

namespace {

const Key128 kKey{1, 2};

cache_store::ObjectPtr object(const std::string& body) {
    return std::make_shared<const cache_store::Object>(
        cache_store::Object{.meta = {}, .body = make_blob(body), .cost_ms = 0, .source = {}, .created = {}});
}

// Work that the test settles by hand. Control loop only.
struct Bench {
    struct Work final : FillWork {
        explicit Work(Bench& owner) : bench(owner) {}
        ~Work() override { ++bench.dropped; }
        void start() override { ++bench.started; }
        Bench& bench;
    };
    Fills::Make make() {
        return [this](Wanted is_wanted, Settle to_settle) -> std::unique_ptr<FillWork> {
            ++made;
            wanted = std::move(is_wanted);
            settle = std::move(to_settle);
            return std::make_unique<Work>(*this);
        };
    }
    int made = 0, started = 0, dropped = 0;
    Wanted wanted;
    Settle settle;
};

}  // namespace

TEST_CASE("requests of two loops for one key make one fill, and all are told") {
    constexpr int kEach = 50;
    loop::Loop control;
    http::Counters counters;
    Bench bench;
    Fills fills(control, counters);
    std::atomic<int> asked = 0, told = 0, misses = 0, coalesced = 0, elsewhere = 0;
    std::vector<loop::Operation> first_operations, second_operations;  // of their loops
    LoopThread first, second;

    const auto ask = [&](LoopThread& on, std::vector<loop::Operation>& operations) {
        for (int i = 0; i < kEach; ++i) {
            on.loop.post([&] {
                operations.push_back(
                    fills.request(on.loop, kKey, bench.make(), [&, id = std::this_thread::get_id()](Filled filled) {
                        if (id != std::this_thread::get_id()) ++elsewhere;
                        if (filled.object && (*filled.object)->body->view() == "made once") ++told;
                        if (filled.verdict == http::Verdict::Miss) ++misses;
                        if (filled.verdict == http::Verdict::Coalesced) ++coalesced;
                    }));
                ++asked;
            });
        }
    };
    ask(first, first_operations);
    ask(second, second_operations);
    first.call([] {});
    second.call([] {});
    REQUIRE(asked == 2 * kEach);
    bool joined = false;  // after all requests, which were posted before
    control.post([&] { joined = true; });
    run_until(control, [&] { return joined; });
    CHECK(bench.made == 1);
    CHECK(bench.started == 1);

    auto settle = std::move(bench.settle);
    settle({object("made once"), http::Verdict::Miss, {}});
    first.call([&] { first_operations.clear(); });
    second.call([&] { second_operations.clear(); });
    CHECK(told == 2 * kEach);
    CHECK(elsewhere == 0);
    CHECK(misses == 1);
    CHECK(coalesced == 2 * kEach - 1);
    CHECK(bench.dropped == 1);
    CHECK(counters.value(http::Counter::FillsStarted) == 1);
    CHECK(counters.value(http::Counter::FillsCoalesced) == 2 * kEach - 1);
}

SCENARIO("waiters of a fill") {
    loop::Loop loop;  // control and waiter at once
    http::Counters counters;
    Bench bench;  // outlives its work, which the fills hold
    Fills fills(loop, counters);
    int first_told = 0, second_told = 0;
    std::vector<Filled> results;
    std::optional<loop::Operation> first = fills.request(loop, kKey, bench.make(), [&](Filled filled) {
        ++first_told;
        results.push_back(std::move(filled));
    });
    std::optional<loop::Operation> second = fills.request(loop, kKey, bench.make(), [&](Filled filled) {
        ++second_told;
        results.push_back(std::move(filled));
    });
    run_until(loop, [&] { return bench.started == 1 && counters.value(http::Counter::FillsCoalesced) == 1; });
    const auto turn = [&] {
        bool turned = false;
        loop.post([&] { turned = true; });
        run_until(loop, [&] { return turned; });
    };

    WHEN("one leaves") {
        first.reset();
        THEN("the work is still wanted, and only the other is told") {
            CHECK(bench.wanted());
            auto settle = std::move(bench.settle);
            settle({object("x"), http::Verdict::Miss, {}});
            turn();
            CHECK(first_told == 0);
            CHECK(second_told == 1);
        }
    }
    WHEN("one withdraws") {
        bool over = false;
        first->withdraw([&] { over = true; });
        CHECK(bench.wanted());
        auto settle = std::move(bench.settle);
        settle({object("x"), http::Verdict::Miss, {}});
        turn();
        THEN("it is told the end, the other the result") {
            CHECK(over);
            CHECK(first_told == 0);
            CHECK(second_told == 1);
        }
    }
    WHEN("all withdraw") {
        int over = 0;
        first->withdraw([&] { ++over; });
        second->withdraw([&] { ++over; });
        REQUIRE(!bench.wanted());
        const Filled given_up{fail(ErrorKind::Cancelled, "nobody waits"), http::Verdict::Miss, {}};
        THEN("work that gives up is the end for them") {
            auto settle = std::move(bench.settle);
            settle(given_up);
            turn();
            CHECK(over == 2);
            CHECK(first_told + second_told == 0);
            CHECK(bench.dropped == 1);
        }
        THEN("somebody who comes before it has given up has it made anew") {
            int third_told = 0;
            const auto third = fills.request(loop, kKey, bench.make(), [&](Filled filled) {
                ++third_told;
                CHECK(filled.object);
            });
            turn();
            auto settle = std::move(bench.settle);
            settle(given_up);
            CHECK(bench.started == 2);
            settle = std::move(bench.settle);
            settle({object("x"), http::Verdict::Miss, {}});
            turn();
            CHECK(third_told == 1);
            CHECK(over == 2);
            CHECK(bench.dropped == 2);
        }
    }
    WHEN("all leave") {
        first.reset();
        second.reset();
        THEN("the work is wanted no more") { CHECK(!bench.wanted()); }
        THEN("somebody who comes then makes it wanted again, without a second flight") {
            int third_told = 0;
            const auto third = fills.request(loop, kKey, bench.make(), [&](Filled) { ++third_told; });
            turn();
            CHECK(bench.wanted());
            CHECK(bench.made == 1);
            auto settle = std::move(bench.settle);
            settle({object("x"), http::Verdict::Miss, {}});
            turn();
            CHECK(third_told == 1);
        }
    }
    WHEN("one leaves after the fill has settled, before it is told") {
        auto settle = std::move(bench.settle);
        settle({object("x"), http::Verdict::Miss, {}});
        second.reset();
        turn();
        CHECK(first_told == 1);
        CHECK(second_told == 0);
    }
    WHEN("it fails") {
        auto settle = std::move(bench.settle);
        settle({fail(ErrorKind::Unprocessable, "broken", "undecodable"), http::Verdict::Miss, {}});
        turn();
        THEN("all get the error") {
            REQUIRE(results.size() == 2);
            for (const Filled& result : results) {
                REQUIRE(!result.object);
                CHECK(result.object.error().code == "undecodable");
            }
        }
        THEN("the next request tries anew") {
            const auto next = fills.request(loop, kKey, bench.make(), [](Filled) {});
            run_until(loop, [&] { return bench.started == 2; });
        }
    }
    WHEN("another key is asked for") {
        const auto other = fills.request(loop, Key128{3, 4}, bench.make(), [](Filled) {});
        THEN("that is a fill of its own") {
            run_until(loop, [&] { return bench.started == 2; });
        }
    }
    WHEN("the fills are cleared") {
        fills.clear();
        turn();
        THEN("the work is dropped and nobody is told") {
            CHECK(bench.dropped == 1);
            CHECK(first_told + second_told == 0);
        }
    }
}

TEST_CASE("a fill that nobody wants any more by its turn is not made") {
    loop::Loop loop;
    loop::WorkPool pool(1);
    http::Counters counters;
    Fills fills(loop, counters);
    std::promise<void> open;
    pool.detach(loop::WorkPool::Lane::Now, [opened = open.get_future().share()] { opened.get(); });
    std::atomic<bool> made = false;
    bool over = false, told = false;
    auto operation = fills.request(
        loop, kKey,
        [&](Wanted wanted, Settle settle) -> std::unique_ptr<FillWork> {
            return std::make_unique<PoolFill>(
                loop, pool,
                [&] {
                    made = true;
                    return Filled{object("unwanted"), http::Verdict::Miss, {}};
                },
                std::move(wanted), std::move(settle));
        },
        [&](Filled) { told = true; });
    run_until(loop, [&] { return counters.value(http::Counter::FillsStarted) == 1; });
    operation.withdraw([&] { over = true; });
    open.set_value();
    run_until(loop, [&] { return over; });
    CHECK(!made);
    CHECK(!told);
}

TEST_CASE("a fill on the work pool settles with what its function returns") {
    loop::Loop loop;
    loop::WorkPool pool(1);
    http::Counters counters;
    Fills fills(loop, counters);
    std::string body;
    const auto operation = fills.request(
        loop, kKey,
        [&](Wanted wanted, Settle settle) -> std::unique_ptr<FillWork> {
            return std::make_unique<PoolFill>(
                loop, pool, [] { return Filled{object("from the pool"), http::Verdict::DiskHit, {}}; }, std::move(wanted),
                std::move(settle));
        },
        [&](Filled filled) {
            body = (*filled.object)->body->view();
            CHECK(filled.verdict == http::Verdict::DiskHit);
        });
    run_until(loop, [&] { return !body.empty(); });
    CHECK(body == "from the pool");
}
