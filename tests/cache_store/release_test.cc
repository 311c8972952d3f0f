// A folder that goes from one process to its successor. Two stores of one process stand for the two.
#include <catch2/catch.hpp>

#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

SCENARIO("a folder is left to a successor while its owner still answers") {
    World world;
    const auto old = world.open();
    REQUIRE(old->store(key_number(1), *object_number(1, 100)) == NotStored::None);
    old->release();
    const auto next = world.open();
    REQUIRE(next->stats().disk_online);

    THEN("the successor has what was stored") {
        CHECK(next->stats().disk_objects == 1);
        CHECK(same(next->fetch(key_number(1)), object_number(1, 100)));
    }
    THEN("the owner reads on, and stores nothing any more") {
        CHECK(same(old->fetch(key_number(1)), object_number(1, 100)));
        CHECK(old->store(key_number(2), *object_number(2, 100)) == NotStored::DiskOff);
        CHECK_FALSE(old->stats().disk_online);
        CHECK(old->stats().disk_errors == 0);
    }
    THEN("a smaller limit evicts nothing of what is the successor's") {
        old->set_limits({.memory_bytes = kMiB, .disk_bytes = 0});
        CHECK(same(next->fetch(key_number(1)), object_number(1, 100)));
    }
    THEN("what the successor has evicted is a miss, as if somebody had tidied up") {
        next->set_limits({.memory_bytes = kMiB, .disk_bytes = 0});
        CHECK(old->fetch(key_number(1)) == nullptr);
        CHECK(old->stats().disk_errors == 0);
    }
    THEN("it cannot be taken back from who has it") { CHECK_FALSE(old->reclaim()); }
}

TEST_CASE("a folder that the successor has left is taken back") {
    World world;
    const auto old = world.open();
    old->release();
    world.open().reset();
    CHECK(old->reclaim());
    CHECK(old->stats().disk_online);
    CHECK(old->store(key_number(1), *object_number(1, 100)) == NotStored::None);
    CHECK_FALSE(world.open()->stats().disk_online);  // it is locked again
}

TEST_CASE("an object that is being written when the folder is left is not published, and leaves nothing") {
    World world;
    const auto old = world.open();
    REQUIRE(old->store(key_number(1), *object_number(1, 100)) == NotStored::None);
    world.files.before_close = [&] {
        world.files.before_close = nullptr;
        old->release();
    };
    CHECK(old->store(key_number(2), *object_number(2, 100)) == NotStored::DiskOff);
    CHECK(old->stats().disk_errors == 0);
    CHECK(world.folder.bytes_on_disk() == disk_charge(std::filesystem::file_size(world.folder.file_of(key_number(1)))));
    CHECK(world.open()->stats().disk_objects == 1);
}
