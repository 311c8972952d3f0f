#include <catch2/catch.hpp>

#include <array>

#include "tests/cache_store/torture/disk.h"
#include "tests/cache_store/torture/run.h"

using namespace selvage;
using namespace selvage::torture;

// Random operations against a map with a purge clock: tests/fuzz/store_fuzz.cc does the same where a fuzzer leads it.

namespace {

// Opened, used and closed in order, a few times.
void live_in_order(Trial& trial, Disk& disk, int lives) {
    for (int life = 0; life < lives; ++life) {
        trial.open(disk);
        for (int step = 0; step < 400; ++step) trial.step();
        trial.work_off();
        trial.read_all();
        trial.close(true);
    }
}

void check(const Trial& trial, std::uint64_t seed) {
    INFO("SELVAGE_TORTURE_SEED=" << seed << ": " << told(trial));
    CHECK(trial.wrong.empty());
    CHECK(trial.hits > 100);
}

}  // namespace

TEST_CASE("whatever is asked of a store, it answers as the model allows", "[torture]") {
    for (auto seed = first_seed(); seed < first_seed() + rounds(12); ++seed) {
        const Ground ground;
        Disk disk;
        Trial trial(ground.path(), {}, Dice(seed));
        live_in_order(trial, disk, 4);
        check(trial, seed);
    }
}

TEST_CASE("also when others look up, put and erase while it reads and writes", "[torture]") {
    for (auto seed = first_seed(); seed < first_seed() + rounds(12); ++seed) {
        const Ground ground;
        Disk disk;
        Trial trial(ground.path(), {.interrupted = true}, Dice(seed));
        disk.rule([&](const Call&) {
            trial.interrupt();
            return Fate{};
        });
        live_in_order(trial, disk, 4);
        check(trial, seed);
    }
}

TEST_CASE("a disk that now and then fails, is full or takes less than it is given costs hits and nothing else", "[torture]") {
    for (auto seed = first_seed(); seed < first_seed() + rounds(12); ++seed) {
        const Ground ground;
        Disk disk;
        Trial trial(ground.path(), {}, Dice(seed));
        Dice luck(~seed);
        bool faulty = false;
        trial.unreliable = trial.may_be_cold = true;
        disk.rule([&](const Call& call) -> Fate {
            if (!faulty || !luck.one_in(6)) return {};
            if (call.kind == Call::Kind::Read || call.kind == Call::Kind::ReadNow) {
                return luck.one_in(2) ? Fate{.error = EIO} : Fate{.longest = luck.roll(5000)};
            }
            if (call.kind == Call::Kind::Write && luck.one_in(2)) return {.longest = luck.roll(5000)};
            static constexpr std::array kErrors = {EIO, ENOSPC, EINVAL};  // the last: direct writes refused from now on
            return {.error = kErrors[luck.roll(kErrors.size())]};
        });
        for (int life = 0; life < 4; ++life) {
            trial.open(disk);
            for (int step = 0; step < 300; ++step) {
                if (step % 50 == 0) faulty = luck.one_in(2);
                trial.step();
            }
            trial.read_all();
            trial.close(false);
            faulty = false;
        }
        trial.open(disk);
        trial.advance(std::chrono::minutes(2));
        for (int step = 0; step < 300; ++step) trial.step();
        trial.work_off();
        CHECK(trial.store().stats().disk.online);  // it goes on when the fault has gone
        trial.read_all();
        trial.close(true);
        check(trial, seed);
    }
}

namespace {

Version version_of(std::uint32_t key) {
    return {.key = key,
            .bytes = 20'000,
            .meta_bytes = 64,
            .created = Trial::kEpoch,
            .cost_ms = 100,
            .lifetimes = cache_store::kForever};
}

Found fetch(Store& store, std::uint32_t key) {
    return store.fetch(store_key(key), store.floor_of(request_tags(key), request_path(key)));
}

}  // namespace

TEST_CASE("a purge that the disk does not learn of is not acknowledged") {  // cache-store R3
    const Ground ground;
    Disk disk;
    Trial trial(ground.path(), {}, Dice(1));
    trial.open(disk);
    trial.store().put(store_key(1), object_of(version_of(1)), Keep::Anywhere);
    trial.close(true);

    disk.rule([](const Call&) { return Fate{.error = EIO}; });
    trial.open(disk);
    const auto purged = trial.store().purge(purge_of(Purge::Effect::Hard, Target::Everything, 0));
    trial.close(false);

    disk.rule({});
    trial.open(disk);
    trial.work_off();
    CHECK_FALSE((purged && fetch(trial.store(), 1)));
    trial.close(true);
}

TEST_CASE("what a successor purged stays purged when the folder is taken back") {  // cache-store R3
    const Ground ground;
    Disk disk;
    Trial first(ground.path(), {}, Dice(1)), second(ground.path(), {}, Dice(2));
    first.open(disk);
    for (std::uint32_t key = 0; key < 20; ++key) first.store().put(store_key(key), object_of(version_of(key)), Keep::Anywhere);
    first.advance(std::chrono::seconds(5));
    first.work_off();
    first.store().release();

    second.open(disk);
    REQUIRE(second.store().purge(purge_of(Purge::Effect::Hard, Target::Source, 3)));
    second.close(true);

    REQUIRE(first.store().reclaim());
    first.work_off();
    for (std::uint32_t key = 0; key < 20; ++key) {
        INFO(key);
        const auto floor = first.store().floor_of(request_tags(key), request_path(key));
        const bool found = first.store().find(store_key(key), floor) || first.store().fetch(store_key(key), floor);
        CHECK(found == (key % kSources != 3));
    }
    first.close(true);
}
