#include "cache_store/disk_index.h"

#include <catch2/catch.hpp>

#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

TEST_CASE("the account of the disk: reserved, published, replaced, removed") {
    DiskIndex index(10 * 4096);
    CHECK(disk_charge(0) == 0);
    CHECK(disk_charge(1) == 4096);
    CHECK(disk_charge(4096) == 4096);
    CHECK(disk_charge(4097) == 8192);

    REQUIRE(index.reserve(6 * 4096));
    CHECK_FALSE(index.reserve(5 * 4096));
    CHECK_FALSE(index.reserve(UINT64_MAX));
    index.publish(key_number(1), 6 * 4096, {});
    CHECK(index.used() == 6 * 4096);

    SECTION("a replaced file counts until the new one is in place") {
        REQUIRE(index.reserve(4096));
        CHECK(index.used() == 7 * 4096);
        index.publish(key_number(1), 4096, {});
        CHECK(index.used() == 4096);
        CHECK(index.size() == 1);
    }
    SECTION("what is given back was reserved") {
        REQUIRE(index.reserve(4096));
        index.release(4096);
        CHECK(index.used() == 6 * 4096);
    }
    SECTION("only the file that was meant is removed or set aside, not one that took its place") {
        const auto first = index.find(key_number(1))->generation;
        REQUIRE(index.reserve(4096));
        index.publish(key_number(1), 4096, {});
        index.set_aside(key_number(1), first);
        CHECK_FALSE(index.find(key_number(1))->aside);
        CHECK_FALSE(index.remove(key_number(1), first));
        CHECK(index.used() == 4096);
        CHECK(index.remove(key_number(1), index.find(key_number(1))->generation));
        CHECK(index.used() == 0);
        CHECK(index.oldest() == nullptr);
    }
}
