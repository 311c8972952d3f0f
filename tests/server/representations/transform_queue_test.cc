#include "server/representations/transform_queue.h"

#include <catch2/catch.hpp>

#include <string>

using namespace selvage;
using namespace selvage::representations;
using namespace std::chrono_literals;

namespace {

// Jobs with names, which are what their sources' contents are called.
std::string name_of(const TransformJob& job) {
    const auto end = std::ranges::find(job.content.bytes, std::uint8_t{0});
    return {job.content.bytes.begin(), end};
}

struct Queue {
    explicit Queue(std::size_t most = 100) : queue(most) {}

    TransformQueue::Entry entry(const std::string& name, std::chrono::microseconds cost, SteadyTime since, Wanted wanted = {}) {
        TransformJob job;
        std::ranges::copy(name, job.content.bytes.begin());
        job.cost = cost;
        job.wanted = std::move(wanted);
        return {.job = std::move(job),
                .done = [](Result<TransformResult>) {},
                .interest = interests.emplace_back(std::make_shared<loop::Interest>()),
                .since = since};
    }
    std::string add(const std::string& name, std::chrono::microseconds cost, SteadyTime since, Wanted wanted = {}) {
        auto displaced = queue.push(entry(name, cost, since, std::move(wanted)));
        return displaced ? name_of(displaced->job) : "";
    }
    std::string next() {
        auto entry = queue.next();
        return entry ? name_of(entry->job) : "nothing";
    }
    std::string order() {
        std::string names;
        while (!queue.empty()) names += (names.empty() ? "" : " ") + next();
        return names;
    }

    TransformQueue queue;
    std::vector<loop::InterestPtr> interests;
};

const SteadyTime kNow{1h};
Demand background() { return Demand::Background; }

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
    Queue jobs(100'000);
    jobs.add("expensive", 500ms, kNow);
    int cheap_before = 0;
    // Each 5 ms two cheap jobs come and one can be done.
    for (SteadyTime now = kNow; now < kNow + 60s; now += 5ms) {
        jobs.add("cheap", 5ms, now);
        jobs.add("cheap", 5ms, now);
        if (jobs.next() == "expensive") break;
        ++cheap_before;
    }
    CHECK(cheap_before > 100);
    CHECK(cheap_before < 1000);
}

SCENARIO("a full queue") {
    Queue jobs(2);
    jobs.add("background 1", 1ms, kNow, background);
    jobs.add("background 2", 1ms, kNow, background);
    TransformJob from_background, from_client;
    from_background.wanted = background;

    THEN("has no room for background work") { CHECK(!jobs.queue.has_room(from_background)); }
    THEN("lets a client take the place of background work, of the youngest first") {
        REQUIRE(jobs.queue.has_room(from_client));
        CHECK(jobs.add("client 1", 1ms, kNow) == "background 2");
        REQUIRE(jobs.queue.has_room(from_client));
        CHECK(jobs.add("client 2", 1ms, kNow) == "background 1");
        CHECK(!jobs.queue.has_room(from_client));
        CHECK(jobs.queue.size() == 2);
    }
}

TEST_CASE("who left is taken out, and who has waited too long") {
    Queue jobs;
    Demand demand = Demand::Client;
    jobs.add("unwanted", 1ms, kNow, [&] { return demand; });
    jobs.add("old", 1ms, kNow - 10s);
    jobs.add("stays", 1ms, kNow);
    CHECK(jobs.queue.take_unwanted().empty());
    demand = Demand::None;
    auto unwanted = jobs.queue.take_unwanted();
    REQUIRE(unwanted.size() == 1);
    CHECK(name_of(unwanted[0].job) == "unwanted");
    auto old = jobs.queue.take_older_than(kNow - 5s);
    REQUIRE(old.size() == 1);
    CHECK(name_of(old[0].job) == "old");
    CHECK(jobs.order() == "stays");
}
