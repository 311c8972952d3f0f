#include "server/representations/transform_queue.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace selvage;
using namespace selvage::representations;
using namespace std::chrono_literals;

namespace {

const SteadyTime kNow{1h};
Demand background() { return Demand::Background; }

struct Queue {
    explicit Queue(TransformQueue::Bounds bounds = {.light = 100'000, .heavy = 100'000, .background = 100'000}) : queue(bounds) {}

    // `name`: of the source; "a/1" and "a/2" are two jobs of "a".
    TransformQueue::Entry entry(const std::string& name, TransformCost cost, SteadyTime since = kNow, Wanted wanted = {}) {
        TransformJob job;
        std::ranges::copy(name.substr(0, name.find('/')), job.content.bytes.begin());
        job.name = name;
        job.cost = cost;
        job.wanted = std::move(wanted);
        return {.job = std::move(job),
                .done = [](Result<TransformResult>) {},
                .interest = interests.emplace_back(std::make_shared<loop::Interest>()),
                .since = since};
    }
    void add(const std::string& name, TransformCost cost, SteadyTime since = kNow, Wanted wanted = {}) {
        queue.push(entry(name, cost, since, std::move(wanted)));
    }
    void add(const std::string& name, std::chrono::microseconds cost, SteadyTime since = kNow, Wanted wanted = {}) {
        add(name, TransformCost{.make = cost}, since, std::move(wanted));
    }
    // The names of the jobs in the next batch, the first one first.
    std::string next(TransformQueue::Room room = {.now = kNow}) {
        choice = queue.next(room);
        std::string names;
        for (const auto& entry : choice.batch.entries) names += (names.empty() ? "" : " ") + entry.job.name;
        return names.empty() ? "nothing" : names;
    }
    std::string order() {
        std::string names;
        while (!queue.empty()) names += (names.empty() ? "" : " ") + next();
        return names;
    }
    bool has_room(std::chrono::microseconds cost, Wanted wanted = {}) {
        return queue.has_room(entry("any", {.make = cost}, kNow, std::move(wanted)).job);
    }

    TransformQueue queue;
    TransformQueue::Choice choice;
    std::vector<loop::InterestPtr> interests;
};

}  // namespace

SCENARIO("whose turn it is when a worker is free") {
    Queue jobs;
    CHECK(jobs.next() == "nothing");

    WHEN("all came at the same time") {
        jobs.add("avif", 500ms, kNow - 10ms);
        jobs.add("thumbnail", 5ms, kNow - 10ms);
        jobs.add("webp", 80ms, kNow - 10ms);
        THEN("the cheap one goes before the expensive one") { CHECK(jobs.order() == "thumbnail webp avif"); }
    }
    WHEN("all cost the same") {
        jobs.add("third", 10ms, kNow - 1ms);
        jobs.add("first", 10ms, kNow - 3ms);
        jobs.add("second", 10ms, kNow - 2ms);
        THEN("who has waited longest goes first") { CHECK(jobs.order() == "first second third"); }
    }
    WHEN("they are equal in everything") {
        for (const char* name : {"a", "b", "c"}) jobs.add(name, 10ms, kNow);
        THEN("they go in the order in which they came") { CHECK(jobs.order() == "a b c"); }
    }
    WHEN("a client waits for an expensive one, and nobody for the cheap one") {
        jobs.add("background", 1ms, kNow - 9s, background);
        jobs.add("client", 900ms, kNow);
        THEN("the client goes first, however long the other has waited") { CHECK(jobs.order() == "client background"); }
    }
    WHEN("a client joins what was begun in the background") {
        Demand demand = Demand::Background;
        jobs.add("first", 10ms, kNow, background);
        jobs.add("joined", 10ms, kNow, [&] { return demand; });
        demand = Demand::Client;
        THEN("it is promoted") { CHECK(jobs.order() == "joined first"); }
    }
}

TEST_CASE("an expensive job is not starved by cheap ones, even when more of them come than can be done") {
    Queue jobs;
    jobs.add("expensive", 500ms, kNow);
    int cheap_before = 0, came = 0;
    // Each 5 ms two cheap jobs come and one can be done.
    for (SteadyTime now = kNow; now < kNow + 60s; now += 5ms) {
        jobs.add(std::to_string(++came), 5ms, now);
        jobs.add(std::to_string(++came), 5ms, now);
        if (jobs.next({.now = now}) == "expensive") break;
        ++cheap_before;
    }
    CHECK(cheap_before > 100);
    CHECK(cheap_before < 1000);
}

SCENARIO("each lane has its own bound") {
    Queue jobs({.light = 2, .heavy = 1, .background = 1});
    jobs.add("cheap 1", 1ms);
    jobs.add("cheap 2", 149ms);
    CHECK(!jobs.has_room(1ms));
    THEN("what is expensive has a place of its own, and so has the background") {
        CHECK(jobs.has_room(150ms));
        CHECK(jobs.has_room(1ms, background));
    }
    THEN("and nothing takes the place of another") {
        jobs.add("expensive", 150ms);
        jobs.add("background", 900ms, kNow, background);
        CHECK(!jobs.has_room(150ms));
        CHECK(!jobs.has_room(1ms, background));
        CHECK(jobs.next() == "cheap 1");
        CHECK(jobs.has_room(1ms));
        CHECK(!jobs.has_room(150ms));
    }
    THEN("what was begun in the background counts as a client's when one waits for it") {
        Demand demand = Demand::Background;
        jobs.next();
        jobs.add("joined", 1ms, kNow, [&] { return demand; });
        CHECK(jobs.has_room(1ms));
        demand = Demand::Client;
        CHECK(!jobs.has_room(1ms));
        CHECK(jobs.has_room(1ms, background));
    }
}

TEST_CASE("an expensive job takes no place of its own where another of its source waits") {
    Queue jobs({.light = 1, .heavy = 1, .background = 1});
    jobs.add("a/1", 400ms);
    CHECK(jobs.queue.has_room(jobs.entry("a/2", {.make = 400ms}).job));
    CHECK(!jobs.queue.has_room(jobs.entry("b/1", {.make = 400ms}).job));
    for (std::size_t i = 1; i < transforms::worker::kMostOrders; ++i) jobs.add("a/x", 400ms);
    CHECK(!jobs.queue.has_room(jobs.entry("a/2", {.make = 400ms}).job));
}

TEST_CASE("of cheap jobs as many may wait as can be done in a given time") {
    Queue jobs({.light = 1000, .heavy = 1, .background = 1, .light_cost = 300ms});
    for (int i = 0; i < 29; ++i) jobs.add("thumbnail", 10ms);
    CHECK(jobs.has_room(10ms));
    CHECK(!jobs.has_room(11ms));
    CHECK(!jobs.has_room(140ms));
    CHECK(jobs.has_room(200ms));  // another lane
}

SCENARIO("what waits for the same source is made together") {
    Queue jobs;
    const TransformCost cost{.decode = 30ms, .make = 10ms};
    WHEN("nothing else waits") {
        for (const char* name : {"a/1", "a/2", "b/1", "a/3"}) jobs.add(name, cost, kNow);
        THEN("the source is decoded once, and others have their own turn") {
            CHECK(jobs.next() == "a/1 a/2 a/3");
            CHECK(jobs.choice.batch.cost == 60ms);  // not 120 ms
            CHECK(jobs.next() == "b/1");
        }
    }
    WHEN("it is the same content, but one is made of what stands in for it") {
        auto entry = jobs.entry("a/stand-in", cost);
        entry.job.original = {.width = 4000, .height = 3000};
        jobs.add("a/1", cost);
        jobs.queue.push(std::move(entry));
        THEN("they are two sources") { CHECK(jobs.next() == "a/1"); }
    }
    WHEN("the first by turn is not the first that came") {
        jobs.add("a/expensive", {.decode = 30ms, .make = 100ms}, kNow);
        jobs.add("a/cheap", cost, kNow);
        THEN("it is answered first") { CHECK(jobs.next() == "a/cheap a/expensive"); }
    }
    WHEN("more wait than one job can have orders") {
        for (unsigned i = 0; i <= transforms::worker::kMostOrders; ++i) jobs.add("a/x", cost);
        jobs.next();
        CHECK(jobs.choice.batch.entries.size() == transforms::worker::kMostOrders);
        CHECK(jobs.queue.size() == 1);
    }
    WHEN("some were in a batch whose worker was lost") {
        auto suspect = jobs.entry("a/suspect", cost);
        suspect.alone = true;
        jobs.queue.push(std::move(suspect));
        for (const char* name : {"a/1", "a/2"}) jobs.add(name, cost, kNow);
        THEN("they go alone") {
            CHECK(jobs.next() == "a/suspect");
            CHECK(jobs.next() == "a/1 a/2");
        }
    }
    WHEN("some of it is background work") {
        jobs.add("a/client", cost);
        jobs.add("a/cheap", cost, kNow, background);
        jobs.add("a/best", {.decode = 30ms, .make = 400ms}, kNow, background);
        THEN("with a client's goes only what costs less than the decode that it saves") {
            CHECK(jobs.next() == "a/client a/cheap");
            CHECK(!jobs.choice.batch.unhurried);
            CHECK(jobs.next() == "a/best");
            CHECK(jobs.choice.batch.unhurried);
        }
    }
}

SCENARIO("what is cheap never waits behind what is expensive") {  // with several workers: the last is kept for it
    Queue jobs;
    const TransformQueue::Room last{.now = kNow, .unhurried = false};
    WHEN("only the last worker is free") {
        jobs.add("expensive", 150ms);
        jobs.add("background", 1ms, kNow, background);
        CHECK(jobs.next(last) == "nothing");
        jobs.add("cheap", 100ms);
        CHECK(jobs.next(last) == "cheap");
        THEN("another one takes the rest") {
            CHECK(jobs.next() == "expensive");
            CHECK(jobs.choice.batch.unhurried);
            CHECK(jobs.next() == "background");
            CHECK(jobs.choice.batch.unhurried);
        }
    }
    WHEN("many cheap ones of one source are expensive together") {
        for (const char* name : {"a/1", "a/2", "a/3", "a/4"}) jobs.add(name, {.decode = 20ms, .make = 50ms});
        THEN("the last worker makes so many of them that they are not") {
            CHECK(jobs.next(last) == "a/1 a/2");
            CHECK(!jobs.choice.batch.unhurried);
        }
        THEN("another one makes them all") {
            CHECK(jobs.next() == "a/1 a/2 a/3 a/4");
            CHECK(jobs.choice.batch.unhurried);
        }
    }
}

SCENARIO("a job waits a moment for others of its source") {
    Queue jobs;
    const auto at = [](std::chrono::milliseconds later) { return TransformQueue::Room{.now = kNow + later, .gather = 4ms}; };
    WHEN("the source is costly to decode") {
        jobs.add("a/1", {.decode = 30ms, .make = 5ms});
        CHECK(jobs.next(at(0ms)) == "nothing");
        CHECK(jobs.choice.ripens == kNow + 4ms);
        jobs.add("a/2", {.decode = 30ms, .make = 5ms}, kNow + 3ms);
        THEN("who came within the window goes with it") { CHECK(jobs.next(at(7ms)) == "a/1 a/2"); }
        THEN("the window begins anew, but not for ever") {
            CHECK(jobs.next(at(6ms)) == "nothing");
            CHECK(jobs.choice.ripens == kNow + 7ms);
            for (int i = 3; i < 9; ++i) jobs.add("a/more", {.decode = 30ms, .make = 5ms}, kNow + 3ms * (i - 1));
            CHECK(jobs.next(at(15ms)) == "nothing");
            CHECK(jobs.choice.ripens == kNow + 16ms);
            CHECK(jobs.next(at(16ms)).starts_with("a/1 a/2 a/more"));
        }
        THEN("others go before it") {
            jobs.add("cheap", {.decode = 9ms, .make = 90ms}, kNow + 3ms);
            CHECK(jobs.next(at(3ms)) == "cheap");
        }
    }
    WHEN("it is not, or the job has been given to a worker before") {
        jobs.add("cheap", {.decode = 9ms, .make = 90ms});
        CHECK(jobs.next(at(0ms)) == "cheap");
        auto again = jobs.entry("again", {.decode = 30ms, .make = 5ms});
        again.alone = true;
        jobs.queue.push(std::move(again));
        CHECK(jobs.next(at(0ms)) == "again");
    }
}

TEST_CASE("what would take too much memory waits, and smaller ones need not") {
    Queue jobs;
    jobs.add("large", {.make = 1ms, .memory = 500});
    jobs.add("small", {.make = 9ms, .memory = 100});
    CHECK(jobs.next({.now = kNow, .memory = 499}) == "small");
    CHECK(jobs.choice.short_of_memory);
    CHECK(jobs.next({.now = kNow, .memory = 499}) == "nothing");
    CHECK(jobs.next({.now = kNow, .memory = 500}) == "large");
    CHECK(jobs.choice.batch.memory == 500);
}

TEST_CASE("who left is taken out, and for whom a client has waited too long") {
    Queue jobs;
    Demand demand = Demand::Client, joined = Demand::Background;
    jobs.add("unwanted", 1ms, kNow, [&] { return demand; });
    jobs.add("old", 1ms, kNow - 10s);
    jobs.add("background", 1ms, kNow - 10s, background);
    jobs.add("joined", 1ms, kNow - 10s, [&] { return joined; });
    jobs.add("young", 1ms, kNow);
    CHECK(jobs.queue.take_unwanted().empty());
    demand = Demand::None;
    auto unwanted = jobs.queue.take_unwanted();
    REQUIRE(unwanted.size() == 1);
    CHECK(unwanted[0].job.name == "unwanted");
    joined = Demand::Client;
    auto late = jobs.queue.take_late(kNow, 5s);
    REQUIRE(late.size() == 1);
    CHECK(late[0].job.name == "old");
    late = jobs.queue.take_late(kNow + 5001ms, 5s);
    REQUIRE(late.size() == 2);
    CHECK(late[0].job.name == "joined");  // waited for from then on
    CHECK(jobs.order() == "background");
}
