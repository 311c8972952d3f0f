#include "cache_store/memory/recent_keys.h"

#include <catch2/catch.hpp>

#include "cache_store/memory/key_hash.h"
#include "tests/cache_store/memory/memory_ground.h"

using namespace selvage;
using namespace selvage::cache_store;
using memory_ground::key;

SCENARIO("keys are remembered with their number until as many others came") {
    RecentKeys keys(1000);
    CHECK(keys.recall(hash_of(key(1))) == 0);
    for (std::uint64_t number = 0; number < 5000; ++number) {
        keys.remember(hash_of(key(number)), static_cast<std::uint16_t>(number % 100 + 1));
    }
    std::uint64_t known = 0, wrong = 0;
    for (std::uint64_t number = 0; number < 5000; ++number) {
        const auto recalled = keys.recall(hash_of(key(number)));
        known += recalled != 0;
        wrong += recalled != 0 && recalled != number % 100 + 1;
        if (number >= 4000) CHECK(recalled != 0);
    }
    CHECK(wrong == 0);
    CHECK(known <= 2000);
    CHECK(keys.size() == known);

    THEN("the newest number counts") {
        keys.remember(hash_of(key(4500)), 777);
        CHECK(keys.recall(hash_of(key(4500))) == 777);
    }
    THEN("all is forgotten at once") {
        keys.forget_all();
        CHECK(keys.size() == 0);
        CHECK(keys.recall(hash_of(key(4999))) == 0);
    }
    THEN("a new bound takes effect") {
        keys.set_most(100);
        for (std::uint64_t number = 0; number < 5000; ++number) keys.remember(hash_of(key(number)), 1);
        CHECK(keys.size() <= 200);
        keys.set_most(3000);
        for (std::uint64_t number = 0; number < 5000; ++number) keys.remember(hash_of(key(number)), 1);
        for (std::uint64_t number = 4000; number < 5000; ++number) CHECK(keys.recall(hash_of(key(number))) == 1);
    }
}
