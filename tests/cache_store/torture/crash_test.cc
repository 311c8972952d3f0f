#include <catch2/catch.hpp>

#include "tests/cache_store/torture/disk.h"
#include "tests/cache_store/torture/run.h"

using namespace selvage;
using namespace selvage::torture;

// The crash matrix: a store that is cut off at any of its changes to the disk, by a kill (what was written stays) or a power loss
// (what was not made durable is there, not there, or torn), opened again and read in full. (cache-store R1, R3, R4, R6)

namespace {

struct Counts {
    std::uint64_t cuts = 0, hits = 0;
};

// A life of the store, from its opening to the cut.
void live(Trial& trial, Disk& disk) {
    disk.rule([&](const Call&) {
        trial.interrupt();
        return Fate{};
    });
    disk.cut_after(1 + trial.dice().roll(trial.dice().one_in(3) ? 30 : 250), trial.dice().roll(1ULL << 20));
    trial.open(disk);
    trial.read_all();
    for (int step = 0; step < 1200 && !disk.was_cut(); ++step) {
        trial.step();
        if (step == 40) trial.read_all();
    }
    disk.cut_now();
    trial.crash();
}

void crash_again_and_again(std::uint64_t seed, bool power, Counts& counts) {
    const Ground ground;
    Dice dice(seed);
    Trial trial(ground.path(), {.interrupted = dice.one_in(2)}, dice.fork());
    for (int lives = 0; lives < 3; ++lives) {
        Disk disk;
        live(trial, disk);
        ++counts.cuts;
        if (power) disk.lose_power(dice, dice.one_in(4) ? Loss::AllOld : Loss::Mixed);
    }
    Disk disk;
    trial.open(disk);
    trial.read_all();
    trial.work_off();
    const auto before = trial.hits;
    trial.read_all();
    counts.hits += trial.hits - before;
    trial.close(true);
    INFO("SELVAGE_TORTURE_SEED=" << seed << ": " << told(trial));
    CHECK(trial.wrong.empty());
}

void matrix(bool power) {
    Counts counts;
    for (std::uint64_t round = 0; round < rounds(20); ++round) crash_again_and_again(first_seed() + round, power, counts);
    INFO(counts.cuts << " cuts, " << counts.hits << " hits after the last ones");
    CHECK(counts.hits > counts.cuts);  // it is no feat to lose everything
}

}  // namespace

TEST_CASE("a store that is killed at any moment serves nothing wrong afterwards", "[torture]") { matrix(false); }

TEST_CASE("a store whose machine loses power at any moment serves nothing wrong afterwards", "[torture]") { matrix(true); }
