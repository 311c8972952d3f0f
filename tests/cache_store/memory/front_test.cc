#include "cache_store/memory/front.h"

#include <catch2/catch.hpp>
#include <sched.h>

#include <atomic>
#include <set>
#include <thread>

#include "cache_store/memory/shards.h"
#include "tests/cache_store/memory/memory_ground.h"

using namespace selvage;
using namespace selvage::cache_store;
using namespace selvage::cache_store::memory_ground;

// What is hit on a core is found in its front from then on. The fronts must not be seen in anything but speed.

namespace {

// The cores that this thread may run on.
std::vector<int> cores() {
    cpu_set_t ours;
    CPU_ZERO(&ours);
    sched_getaffinity(0, sizeof ours, &ours);
    std::vector<int> all;
    for (int core = 0; core < CPU_SETSIZE; ++core) {
        if (CPU_ISSET(core, &ours)) all.push_back(core);
    }
    return all;
}

void stay_on(int core) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    sched_setaffinity(0, sizeof one, &one);
}

// On each core, so that every front is used.
template <typename Step>
void on_each_core(Step step) {
    for (const int core : cores()) {
        std::thread([&] {
            stay_on(core);
            step();
        }).join();
    }
}

Entry entry_of(std::uint64_t number, const ObjectPtr& what) {
    Entry entry;
    entry.key = key(number);
    entry.object = what;
    return entry;
}

std::uint64_t hash(std::uint64_t number) { return hash_of(key(number)); }

}  // namespace

TEST_CASE("a front finds what it was offered, under a count of its own") {
    Front front;
    front.resize(64);
    const auto what = object(100);
    Entry entry = entry_of(1, what);
    entry.judged = 7;
    entry.stale = true;
    REQUIRE(front.offer(entry, hash(1)).taken);
    CHECK_FALSE(front.find(key(2), hash(2), 0));
    const auto before = what.use_count();
    {
        const auto hit = front.find(key(1), hash(1), 5);
        REQUIRE(hit);
        CHECK(hit->object == what);
        CHECK(hit->object->body == what->body);
        CHECK(hit->judged == 7);
        CHECK(hit->stale);
        CHECK(what.use_count() == before);  // or every core would write to it
        CHECK(hit->object.use_count() == 2);
    }
    CHECK(front.hits() == 1);

    SECTION("once only") { CHECK_FALSE(front.offer(entry, hash(1)).taken); }
    SECTION("what is withdrawn is gone, and its entry has the hits and when the last one was") {
        front.find(key(1), hash(1), 6);
        front.withdraw(entry, hash(1));
        CHECK(entry.hits == 2);
        CHECK(entry.clock == 6);
        CHECK_FALSE(front.find(key(1), hash(1), 0));
        entry.object = nullptr;
        CHECK(what.use_count() == 1);
    }
    SECTION("hits are told once") {
        auto told = front.take_hits();
        REQUIRE(told.size() == 1);
        CHECK(told[0].hits == 1);
        CHECK(told[0].object == what);
        CHECK(front.take_hits().empty());
        front.withdraw(entry, hash(1));
        CHECK(entry.hits == 0);
    }
    SECTION("with another size it begins anew, and tells what it knew") {
        CHECK(front.resize(64).empty());
        CHECK(front.find(key(1), hash(1), 0));
        CHECK(front.resize(128).size() == 1);
        CHECK_FALSE(front.find(key(1), hash(1), 0));
    }
}

SCENARIO("a front's places are for what is hit") {
    Front front;
    front.resize(Front::kWays);  // one set
    for (std::uint64_t number = 1; number <= Front::kWays; ++number) {
        REQUIRE(front.offer(entry_of(number, object(100)), hash(number)).taken);
        for (std::uint64_t hits = 0; hits < 2 * number; ++hits) front.find(key(number), hash(number), 0);
    }
    WHEN("something else is asked for now and then") {
        CHECK_FALSE(front.offer(entry_of(9, object(100)), hash(9)).taken);
        THEN("it gets no place") {
            for (std::uint64_t number = 1; number <= Front::kWays; ++number) CHECK(front.find(key(number), hash(number), 0));
        }
    }
    WHEN("it is asked for more often than what was hit least") {
        Front::Offered last;
        int times = 0;
        for (; !last.taken && times < 100; ++times) last = front.offer(entry_of(9, object(100)), hash(9));
        CHECK(times > 2);
        CHECK(times < 20);
        THEN("it takes that place, whose hits are not lost") {
            CHECK(front.find(key(9), hash(9), 0));
            CHECK(last.displaced.hits == 2);
            CHECK(last.displaced.key == key(1));
            CHECK_FALSE(front.find(key(1), hash(1), 0));
        }
    }
}

SCENARIO("what every core's front has is changed for all of them") {
    Ground ground(4 * kMiB);
    const auto first = object(5000, 1);
    ground.put(1, first);
    const auto ask = [&] { return ground.hit(1); };
    on_each_core([&] { ask(), ask(); });
    REQUIRE(ground.stats().hits == 2 * cores().size());

    WHEN("it is replaced") {
        const auto second = object(6000, 2);
        ground.put(1, second);
        THEN("nobody finds the old one any more") {
            on_each_core([&] { CHECK(ground.tier.find(key(1))->object == second); });
        }
    }
    WHEN("it is erased") {
        ground.tier.erase(key(1));
        THEN("nobody finds it, and nothing holds it") {
            on_each_core([&] { CHECK_FALSE(ask()); });
            CHECK(first.use_count() == 1);
        }
    }
    WHEN("one that is too large takes its place") {
        ground.put(1, object(4 * kMiB, 2));
        THEN("nobody finds it") {
            on_each_core([&] { CHECK_FALSE(ask()); });
        }
    }
    WHEN("a purge was looked up for it on one core") {
        ground.tier.judged(key(1), first, 12, true);
        THEN("there it is known; elsewhere it is looked up again, and known then") {
            CHECK(ground.tier.find(key(1))->judged == 12);
            on_each_core([&] {
                if (ground.tier.find(key(1))->judged != 12) ground.tier.judged(key(1), first, 12, true);
                CHECK(ground.tier.find(key(1))->judged == 12);
                CHECK(ground.tier.find(key(1))->stale);
            });
        }
    }
    WHEN("memory is turned off") {
        ground.tier.set_limit(0, ground.evicted);
        ground.evicted.clear();
        THEN("nothing is held") {
            on_each_core([&] { CHECK_FALSE(ask()); });
            CHECK(first.use_count() == 1);
        }
    }
}

SCENARIO("hits in the fronts count for what stays") {
    Ground ground(2 * kMiB);
    ground.put(1, 20'000);
    on_each_core([&] {
        for (int time = 0; time < 30; ++time) ground.hit(1);
    });
    for (std::uint64_t number = 100; number < 250; ++number) ground.put(number, 20'000);
    REQUIRE(ground.stats().evictions > 40);
    CHECK(ground.hit(1));
    THEN("and when it leaves all the same, the disk is told of them") {
        ground.tier.set_limit(0, ground.evicted);
        for (const auto& each : ground.evicted) {
            if (each.key == key(1)) CHECK(each.hits == 30 * cores().size() + 1);
        }
        CHECK(ground.stats().objects == 0);
    }
    THEN("and it is the hottest") { CHECK(ground.tier.hottest(1) == std::vector{key(1)}); }
}

SCENARIO("what was hit, and is held by nobody, is evicted and freed") {
    Ground ground(2 * kMiB);
    std::vector<std::weak_ptr<const Blob>> bodies;
    for (std::uint64_t number = 0; number < 50; ++number) {
        auto what = object(20'000);
        bodies.emplace_back(what->body);
        ground.put(number, std::move(what));
        for (int time = 0; time < 3; ++time) ground.hit(number);
    }
    const auto sent = body_of(ground.tier.find(key(7))->object);  // as a response holds it
    for (std::uint64_t number = 100; number < 3000; ++number) ground.ask(number, 20'000);
    ground.evicted.clear();
    std::size_t alive = 0;
    for (const auto& body : bodies) alive += !body.expired();
    CHECK(alive == 1);
    CHECK(ground.hit(7));
    CHECK(ground.stats().bytes < 2 * kMiB);
}

TEST_CASE("whoever is told of a new object finds no older one on any core") {
    MemoryTier tier(4 * kMiB);
    std::atomic<std::uint64_t> told{0};
    std::atomic<bool> done{false};
    std::atomic<int> older{0}, seen{0};
    std::vector<std::thread> readers;
    for (const int core : cores()) {
        readers.emplace_back([&, core] {
            stay_on(core);
            while (!done) {
                const auto least = told.load();
                const auto hit = tier.find(key(1));
                if (!hit) continue;
                ++seen;
                older += hit->object->birth < least;
            }
        });
    }
    std::vector<MemoryTier::Evicted> evicted;
    for (std::uint64_t birth = 1; birth <= 20'000; ++birth) {
        tier.put(key(1), object(100, birth), {}, evicted);
        told = birth;
    }
    while (seen == 0) std::this_thread::yield();
    done = true;
    for (auto& reader : readers) reader.join();
    CHECK(older == 0);
}
