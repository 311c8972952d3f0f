#include "server/representations/variant_budget.h"

#include <catch2/catch.hpp>

#include <set>

using namespace selvage;
using namespace selvage::representations;
using namespace std::chrono_literals;

namespace {

struct Bench {
    explicit Bench(std::size_t most) { budget.set_limit(most); }
    bool admit(std::uint64_t variant, std::chrono::seconds after = 0s, const Sha256& source = sha256("source")) {
        return budget.admit(source, Key128{variant, variant}, SteadyTime{} + 1h + after, [this](const Key128& key) {
            ++asked;
            return !evicted.contains(key.high);
        });
    }
    VariantBudget budget;
    std::set<std::uint64_t> evicted;
    int asked = 0;
};

}  // namespace

SCENARIO("so many different variants of one source are stored") {  // image-urls §1.5
    Bench bench(3);
    CHECK((bench.admit(1) && bench.admit(2) && bench.admit(3)));
    CHECK_FALSE(bench.admit(4));
    THEN("one that is made again takes its own place") { CHECK(bench.admit(2)); }
    THEN("another source has its own") { CHECK(bench.admit(4, 0s, sha256("other"))); }
    THEN("what has left the store leaves room") {
        bench.evicted = {2};
        CHECK(bench.admit(4, 61s));
        CHECK_FALSE(bench.admit(5, 61s));
    }
    THEN("which is looked for once a minute") {
        const int before = bench.asked;
        for (int i = 0; i < 100; ++i) CHECK_FALSE(bench.admit(5, 1s));
        CHECK(bench.asked == before);
        CHECK_FALSE(bench.admit(5, 61s));
        CHECK(bench.asked == before + 3);
    }
}

TEST_CASE("a limit of none is none") {
    Bench bench(0);
    for (std::uint64_t i = 0; i < 1'000; ++i) CHECK(bench.admit(i));
}
