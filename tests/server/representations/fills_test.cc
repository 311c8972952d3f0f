#include "server/representations/fills.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "server/http/growing_body.h"
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
        cache_store::Object{.meta = {}, .body = make_blob(body), .cost_ms = 0, .created = {}});
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

// What was posted has run, and what that has posted.
void hops(loop::Loop& loop) {
    bool turned = false;
    loop.post([&] { loop.post([&] { turned = true; }); });
    run_until(loop, [&] { return turned; });
}

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
    fills.set_limits({.failure_kept = std::chrono::milliseconds(300)});
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
    const auto turn = [&] { hops(loop); };

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
        THEN("who comes within a moment is told the same, without another try") {
            std::optional<Filled> third;
            const auto next = fills.request(loop, kKey, bench.make(), [&](Filled filled) { third = std::move(filled); });
            run_until(loop, [&] { return third.has_value(); });
            CHECK(!third->object);
            CHECK(third->object.error().code == "undecodable");
            CHECK(bench.started == 1);
            CHECK(counters.value(http::Counter::FillFailuresRemembered) == 1);
        }
        THEN("after it the next request tries anew") {
            std::vector<loop::Operation> next;
            run_until(loop, [&] {
                next.push_back(fills.request(loop, kKey, bench.make(), [](Filled) {}));
                return bench.started == 2;
            });
        }
    }
    WHEN("it is refused for lack of room") {
        auto settle = std::move(bench.settle);
        settle({fail(ErrorKind::Overloaded, "full", "overloaded"), http::Verdict::Miss, {}});
        THEN("the next request tries at once") {
            const auto next = fills.request(loop, kKey, bench.make(), [](Filled) {});
            turn();
            CHECK(bench.started == 2);
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

SCENARIO("who would begin a fill may be refused, who joins one is not") {
    loop::Loop loop;
    http::Counters counters;
    Bench bench;
    Fills fills(loop, counters);
    int asked = 0, refused = 0;
    const auto ask = [&](const Key128& key, bool admitted) {
        return fills.request(
            loop, key, bench.make(),
            [&](const Filled& filled) {
                if (!filled.object && filled.object.error().code == "rate_limited") ++refused;
            },
            [&asked, admitted]() -> Result<void> {
                ++asked;
                if (!admitted) return fail(ErrorKind::RateLimited, "too much", "rate_limited");
                return {};
            });
    };
    const auto stranger = ask(kKey, false);
    hops(loop);
    CHECK(refused == 1);
    CHECK(bench.made == 0);
    THEN("that is nobody else's failure") {
        const auto first = ask(kKey, true);
        hops(loop);
        CHECK(bench.started == 1);
        CHECK(asked == 2);
        AND_THEN("with it under way nobody is asked") {
            const auto second = ask(kKey, false);
            const auto third = ask(kKey, false);
            hops(loop);
            CHECK(asked == 2);
            CHECK(refused == 1);
            const auto other = ask(Key128{3, 4}, false);
            hops(loop);
            CHECK(refused == 2);
            CHECK(bench.started == 1);
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

SCENARIO("what is made is read as it grows") {
    loop::Loop loop;
    http::Counters counters;
    Bench bench;
    Fills fills(loop, counters);
    const auto turn = [&] { hops(loop); };
    std::vector<Filled> told, late;
    std::vector<loop::Operation> operations;
    const auto ask = [&](std::vector<Filled>& into) {
        operations.push_back(
            fills.request(loop, kKey, bench.make(), [&into](Filled filled) { into.push_back(std::move(filled)); }));
    };
    ask(told);
    ask(told);
    turn();
    auto body = std::make_shared<http::GrowingBody>();
    body->append(make_blob("begin"));
    auto settle = std::move(bench.settle);
    settle({.object = object(""), .growing = body});
    turn();

    THEN("an announcement wakes who waits, and the flight goes on") {
        REQUIRE(told.size() == 2);
        CHECK(told[0].growing.get() == body.get());
        CHECK(told[0].verdict == http::Verdict::Miss);
        CHECK(told[1].verdict == http::Verdict::Coalesced);
        CHECK(bench.dropped == 0);
        CHECK(counters.value(http::Counter::FillsUnderWay) == 1);
        CHECK(counters.value(http::Counter::FillWaiters) == 0);
    }
    WHEN("somebody comes while it grows") {
        ask(late);
        turn();
        THEN("he reads it from its beginning, without another try") {
            REQUIRE(late.size() == 1);
            CHECK(late[0].growing->look(0).piece->view() == "begin");
            CHECK(late[0].verdict == http::Verdict::Coalesced);
            CHECK(bench.started == 1);
        }
    }
    WHEN("those who asked read it") {
        operations.clear();  // they have their answers
        THEN("it is wanted as long as one of them does") {
            CHECK(bench.wanted.by_client());
            told.pop_back();
            CHECK(bench.wanted());
            told.clear();
            CHECK(!bench.wanted());
        }
    }
    WHEN("it was given up as nobody read it any more") {
        told.clear();
        CHECK(body->give_up_unless_wanted());
        ask(late);
        turn();
        THEN("who comes then is not given half of it, and has it made anew") {
            CHECK(late.empty());
            settle({.object = fail(ErrorKind::Cancelled, "nobody reads it any more")});
            CHECK(bench.started == 2);
            settle = std::move(bench.settle);
            settle({.object = object("whole")});
            turn();
            REQUIRE(late.size() == 1);
            CHECK((*late[0].object)->body->view() == "whole");
        }
    }
    WHEN("it is whole") {
        body->complete();
        settle({.object = object("whole")});
        turn();
        THEN("nobody is told twice, and the flight is over") {
            CHECK(told.size() == 2);
            CHECK(bench.dropped == 1);
            CHECK(counters.value(http::Counter::FillsUnderWay) == 0);
        }
    }
}

SCENARIO("a fill in the background") {
    loop::Loop loop;
    http::Counters counters;
    Bench bench;
    Fills fills(loop, counters);
    const auto turn = [&] { hops(loop); };
    fills.refresh(kKey, bench.make());
    turn();
    REQUIRE(bench.started == 1);

    THEN("it is wanted, though by no client") {
        CHECK(bench.wanted());
        CHECK(!bench.wanted.by_client());
    }
    THEN("a second one is not begun") {
        fills.refresh(kKey, bench.make());
        turn();
        CHECK(bench.made == 1);
    }
    WHEN("a client joins it") {
        std::vector<Filled> told;
        std::optional<loop::Operation> client =
            fills.request(loop, kKey, bench.make(), [&](Filled filled) { told.push_back(std::move(filled)); });
        turn();
        CHECK(bench.made == 1);
        CHECK(bench.wanted.by_client());
        THEN("it is promoted until he leaves, and goes on without him") {
            client.reset();
            CHECK(!bench.wanted.by_client());
            CHECK(bench.wanted());
        }
        THEN("he is told that he joined") {
            auto settle = std::move(bench.settle);
            settle({.object = object("x")});
            turn();
            REQUIRE(told.size() == 1);
            CHECK(told[0].verdict == http::Verdict::Coalesced);
        }
    }
    WHEN("it fails") {
        auto settle = std::move(bench.settle);
        settle({.object = fail(ErrorKind::Unprocessable, "broken", "undecodable")});
        THEN("it is not tried again for a moment") {
            fills.refresh(kKey, bench.make());
            turn();
            CHECK(bench.made == 1);
        }
    }
}

SCENARIO("fills are bounded in number and time") {
    loop::Loop loop;
    http::Counters counters;
    Bench bench;
    Fills fills(loop, counters);
    const auto turn = [&] { hops(loop); };
    std::vector<Filled> told;
    std::vector<loop::Operation> operations;
    const auto ask = [&](const Key128& key) {
        operations.push_back(fills.request(loop, key, bench.make(), [&](Filled filled) { told.push_back(std::move(filled)); }));
        turn();
    };
    WHEN("there are as many as may be") {
        fills.set_limits({.flights = 2});
        fills.refresh({7, 1}, bench.make());
        fills.refresh({7, 2}, bench.make());
        turn();
        THEN("half of them are for the background") {
            CHECK(bench.started == 1);
            CHECK(counters.value(http::LimitHit::Fills) == 1);
        }
        THEN("another key is refused, and who joins is not") {
            ask({8, 1});
            CHECK(bench.started == 2);
            ask({8, 2});
            REQUIRE(told.size() == 1);
            CHECK(told[0].object.error().kind == ErrorKind::Overloaded);
            CHECK(counters.value(http::LimitHit::Fills) == 2);
            ask({8, 1});
            CHECK(told.size() == 1);
            CHECK(counters.value(http::Counter::FillWaiters) == 2);
        }
    }
    WHEN("one takes longer than it may") {
        fills.set_limits({.timeout = std::chrono::milliseconds(100)});
        ask(kKey);
        ask(kKey);
        run_until(loop, [&] { return told.size() == 2; });
        THEN("all who wait are told, the work is dropped and nobody wants it any more") {
            for (const Filled& filled : told) CHECK(filled.object.error().kind == ErrorKind::TimedOut);
            CHECK(bench.dropped == 1);
            CHECK(!bench.wanted());
            CHECK(counters.value(http::Counter::FillsTimedOut) == 1);
            CHECK(counters.value(http::Counter::FillsUnderWay) == 0);
            CHECK(counters.value(http::Counter::FillWaiters) == 0);
        }
        THEN("what it still says is not heard") {
            auto settle = std::move(bench.settle);
            settle({.object = object("too late")});
            turn();
            CHECK(told.size() == 2);
        }
    }
    WHEN("many come and leave while it is being made") {
        for (int i = 0; i < 100; ++i) ask(kKey);
        CHECK(counters.value(http::Counter::FillWaiters) == 100);
        operations.clear();
        THEN("they are forgotten") {
            run_until(loop, [&] { return counters.value(http::Counter::FillWaiters) == 0; });
        }
    }
}

TEST_CASE("who asks after a purge does not meet a flight that was begun before it") {
    using cache_store::Floor;
    CHECK(flight_key(kKey, {}) == flight_key(kKey, {}));
    CHECK(flight_key(kKey, {.gone = 1}) != flight_key(kKey, {}));
    CHECK(flight_key(kKey, {.gone = 1}) != flight_key(kKey, {.gone = 2}));
    // What is stale may still be handed out: a soft purge is no reason to make it twice at once.
    CHECK(flight_key(kKey, {.stale = 1}) == flight_key(kKey, {}));
}
