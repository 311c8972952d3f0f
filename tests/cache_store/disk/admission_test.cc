#include "cache_store/disk/admission.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace selvage::cache_store;
using namespace std::chrono_literals;
using Reason = Admission::Reason;

namespace {

Key128 number(std::uint64_t value) { return {.high = value, .low = ~value}; }

constexpr SteadyTime kNow{1000h};
constexpr std::uint32_t kCheap = 2, kDear = Admission::kCostly;

}  // namespace

// Source: cache-store.md, decision 4.
SCENARIO("what comes is written to the disk when it is likely to pay") {
    Admission admission(0);
    CHECK(admission.on_put(number(1), kCheap, 100, false, kNow) == Reason::NotYet);
    THEN("when it comes again") { CHECK(admission.on_put(number(1), kCheap, 100, false, kNow) == Reason::SeenAgain); }
    THEN("when it was dear to make, at once") {
        CHECK(admission.on_put(number(2), kDear, 100, false, kNow) == Reason::Costly);
        CHECK(admission.on_put(number(3), kDear - 1, 100, false, kNow) == Reason::NotYet);
    }
    THEN("while the disk fills for the first time, whatever it is") {
        CHECK(admission.on_put(number(2), kCheap, 100, true, kNow) == Reason::FirstFill);
    }
    THEN("when it leaves memory and was hit there") {
        CHECK(admission.on_evicted(number(1), 1, 100, kNow) == Reason::HitInMemory);
        CHECK(admission.on_evicted(number(1), 0, 100, kNow) == Reason::NeverHit);
    }
    THEN("and each decision is counted by its reason") {
        admission.on_put(number(1), kCheap, 100, false, kNow);
        admission.on_put(number(4), kDear, 100, false, kNow);
        admission.on_put(number(5), kCheap, 100, true, kNow);
        admission.on_evicted(number(6), 9, 100, kNow);
        admission.on_evicted(number(6), 0, 100, kNow);
        const auto stats = admission.stats();
        CHECK(stats.not_yet == 1);
        CHECK(stats.seen_again == 1);
        CHECK(stats.costly == 1);
        CHECK(stats.first_fill == 1);
        CHECK(stats.hit_in_memory == 1);
        CHECK(stats.never_hit == 1);
        CHECK(stats.over_budget == 0);
    }
}

SCENARIO("the window of keys that were seen is bounded") {
    Admission admission(0, 1000);
    for (std::uint64_t each = 0; each < 3000; ++each) admission.on_put(number(each), kCheap, 1, false, kNow);
    CHECK(admission.on_put(number(2600), kCheap, 1, false, kNow) == Reason::SeenAgain);
    CHECK(admission.on_put(number(10), kCheap, 1, false, kNow) == Reason::NotYet);
    THEN("what keeps coming stays in it") {
        for (std::uint64_t each = 5000; each < 15'000; ++each) {
            admission.on_put(number(each), kCheap, 1, false, kNow);
            if (each % 100 == 0) admission.on_put(number(42), kCheap, 1, false, kNow);
        }
        CHECK(admission.on_put(number(42), kCheap, 1, false, kNow) == Reason::SeenAgain);
    }
}

SCENARIO("writes keep to their budget") {
    constexpr std::uint64_t rate = 1000;
    Admission admission(rate);
    std::uint64_t key = 0;
    const auto written = [&](SteadyTime now) {  // bytes, of as many objects of 100 as are let in
        std::uint64_t bytes = 0;
        while (Admission::admits(admission.on_put(number(key++), kDear, 100, false, now))) bytes += 100;
        return bytes;
    };
    CHECK(written(kNow) == 4 * rate);  // a burst of four seconds
    CHECK(admission.stats().over_budget == 1);
    CHECK(written(kNow) == 0);
    CHECK(written(kNow + 2s) == 2 * rate);
    CHECK(written(kNow + 1h) == 4 * rate);
    THEN("whatever the reason") {
        CHECK(admission.on_put(number(7), kCheap, 100, true, kNow + 1h) == Reason::OverBudget);
        CHECK(admission.on_evicted(number(7), 5, 100, kNow + 1h) == Reason::OverBudget);
    }
    THEN("a clock that stands still or goes back earns nothing") { CHECK(written(kNow) == 0); }
    THEN("what is larger than the burst is written all the same, and paid for") {
        CHECK(admission.on_put(number(7), kDear, 10 * rate, false, kNow + 2h) == Reason::Costly);
        CHECK(written(kNow + 2h + 5s) == 0);
        CHECK(written(kNow + 2h + 8s) == 2 * rate);
    }
    THEN("no budget is no limit, and a new one begins full") {
        admission.set_rate(0);
        for (int each = 0; each < 1000; ++each) CHECK(admission.on_put(number(key++), kDear, 100, false, kNow) == Reason::Costly);
        admission.set_rate(10 * rate);
        CHECK(written(kNow + 3h) == 40 * rate);
    }
    THEN("what was refused for it is remembered as seen") {
        CHECK(written(kNow + 1h) == 0);
        CHECK(admission.on_put(number(9'999'999), kCheap, 1, false, kNow + 1h) == Reason::NotYet);
        CHECK(admission.on_put(number(9'999'999), kCheap, 1, false, kNow + 1h) == Reason::OverBudget);
        CHECK(admission.on_put(number(9'999'999), kCheap, 1, false, kNow + 2h) == Reason::SeenAgain);
    }
}
