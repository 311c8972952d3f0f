#include "cache_store/warm_up.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace selvage::cache_store;
using Loaded = WarmUp::Loaded;

namespace {

std::vector<Key128> keys(std::size_t count) {
    std::vector<Key128> all(count);
    for (std::size_t i = 0; i < count; ++i) all[i] = {.high = i, .low = ~i};
    return all;
}

}  // namespace

SCENARIO("what was hot before a restart comes back slice by slice, the hottest first") {
    SteadyTime now{};
    std::vector<std::uint64_t> order;
    const auto load = [&](const Key128& key) {
        order.push_back(key.high);
        now += std::chrono::milliseconds(200);  // a slow disk
        return key.high == 1 ? Loaded::Missing : Loaded::Yes;
    };
    WarmUp warm_up;
    warm_up.begin(keys(5));
    CHECK_FALSE(warm_up.done());

    GIVEN("a slice of half a second") {
        CHECK_FALSE(warm_up.step([&] { return now; }, load));
        THEN("it stops when its time is over") { CHECK(order == std::vector<std::uint64_t>{0, 1, 2}); }
        THEN("the next one goes on and says that it was the last, once") {
            CHECK(warm_up.step([&] { return now; }, load));
            CHECK(order.size() == 5);
            CHECK(warm_up.done());
            CHECK_FALSE(warm_up.step([&] { return now; }, load));
            CHECK(warm_up.stats().listed == 5);
            CHECK(warm_up.stats().loaded == 4);
            CHECK(warm_up.stats().missing == 1);
        }
    }
}

TEST_CASE("warming up ends when memory is full: what is left is less hot") {
    int asked = 0;
    WarmUp warm_up;
    warm_up.begin(keys(1'000));
    CHECK(warm_up.step([] { return SteadyTime{}; }, [&](const Key128&) { return ++asked < 10 ? Loaded::Yes : Loaded::Full; }));
    CHECK(asked == 10);
    CHECK(warm_up.done());
}

TEST_CASE("there is nothing to warm up when nothing was hot") {
    WarmUp warm_up;
    warm_up.begin({});
    CHECK(warm_up.done());
    CHECK_FALSE(warm_up.step([] { return SteadyTime{}; }, [](const Key128&) { return Loaded::Yes; }));
}
