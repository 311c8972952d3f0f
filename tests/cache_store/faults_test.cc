#include <catch2/catch.hpp>

#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

// EIO, ENOSPC and short transfers: counted, nothing left behind, and serving goes on from memory. (cache-store R7)

namespace {

std::size_t temporaries_in(const World& world) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(world.folder.objects())) count += entry.is_regular_file();
    return count;
}

}  // namespace

TEST_CASE("short writes and short reads are continued") {
    World world;
    world.files.longest_write = 7;
    world.files.longest_read = 5;
    const auto store = world.open();
    REQUIRE(store->store(key_number(1), *object_number(1, 3000)) == NotStored::None);
    CHECK(same(store->fetch(key_number(1)), object_number(1, 3000)));
}

TEST_CASE("a write that fails leaves nothing behind and says why") {
    World world;
    const auto store = world.open();
    const auto object = object_number(1, 30'000);
    NotStored expected = NotStored::WriteFailed;
    SECTION("the disk is full") {
        world.files.write_fault = ENOSPC;
        expected = NotStored::DiskFull;
    }
    SECTION("the quota is used up") {
        world.files.write_fault = EDQUOT;
        expected = NotStored::DiskFull;
    }
    SECTION("the device fails") { world.files.write_fault = EIO; }
    SECTION("the device fails in the middle of a file") {
        world.files.longest_write = 1000;
        world.files.writes_before_fault = 12;
        world.files.write_fault = EIO;
    }
    SECTION("a write without progress") { world.files.longest_write = 0; }
    SECTION("the file cannot be created") { world.files.open_fault = EROFS; }
    SECTION("closing reports it") { world.files.close_fault = EIO; }
    SECTION("the rename fails") { world.files.rename_fault = EIO; }

    CHECK(store->store(key_number(1), *object) == expected);
    CHECK_FALSE(store->on_disk(key_number(1)));
    CHECK(temporaries_in(world) == 0);
    CHECK(world.folder.bytes_on_disk() == 0);
    CHECK(store->stats().disk_bytes == 0);
    CHECK(store->stats().disk_errors == 1);
    CHECK(store->stats().disk_online);  // once is bad luck
}

TEST_CASE("an older object survives a failed attempt to replace it") {
    World world;
    const auto store = world.open();
    REQUIRE(store->store(key_number(1), *object_number(1, 100)) == NotStored::None);
    world.files.write_fault = ENOSPC;
    REQUIRE(store->store(key_number(1), *object_number(2, 100)) == NotStored::DiskFull);
    CHECK(same(store->fetch(key_number(1)), object_number(1, 100)));
}

TEST_CASE("after three failed writes in a row nothing is stored for 30 seconds; memory and what is on the disk serve on") {
    World world;
    const auto store = world.open();
    REQUIRE(store->store(key_number(1), *object_number(1, 100)) == NotStored::None);
    const auto attempt = [&] { return store->store(key_number(2), *object_number(2, 100)); };

    world.files.write_fault = ENOSPC;
    CHECK(attempt() == NotStored::DiskFull);
    CHECK(attempt() == NotStored::DiskFull);
    CHECK(attempt() == NotStored::DiskFull);
    CHECK(attempt() == NotStored::DiskOff);
    CHECK_FALSE(store->stats().disk_online);
    CHECK(store->stats().disk_errors == 3);
    store->put(key_number(2), object_number(2, 100));
    CHECK(store->find(key_number(2)));
    CHECK(same(store->fetch(key_number(1)), object_number(1, 100)));

    world.clock.advance(std::chrono::seconds(29));
    CHECK(attempt() == NotStored::DiskOff);
    world.clock.advance(std::chrono::seconds(1));
    CHECK(attempt() == NotStored::DiskFull);  // one attempt, which fails
    CHECK(attempt() == NotStored::DiskOff);

    world.clock.advance(std::chrono::seconds(30));
    world.files.write_fault = 0;
    CHECK(attempt() == NotStored::None);
    CHECK(store->stats().disk_online);
    world.files.write_fault = ENOSPC;
    CHECK(attempt() == NotStored::DiskFull);  // and counting starts anew
    CHECK(store->stats().disk_online);
}

TEST_CASE("a file that cannot be read is a miss; after three the whole disk tier rests") {
    World world;
    const auto store = world.open();
    for (std::uint64_t number = 0; number < 5; ++number) {
        REQUIRE(store->store(key_number(number), *object_number(number, 100)) == NotStored::None);
    }
    world.files.read_fault = EIO;
    for (std::uint64_t number = 0; number < 3; ++number) CHECK(store->fetch(key_number(number)) == nullptr);
    CHECK(store->stats().disk_errors == 3);
    CHECK(store->stats().corrupt == 0);
    CHECK_FALSE(store->stats().disk_online);
    CHECK_FALSE(store->on_disk(key_number(4)));
    CHECK(store->fetch(key_number(4)) == nullptr);
    CHECK(store->store(key_number(9), *object_number(9, 100)) == NotStored::DiskOff);

    world.clock.advance(std::chrono::seconds(30));
    world.files.read_fault = 0;
    CHECK(store->on_disk(key_number(4)));
    CHECK(same(store->fetch(key_number(4)), object_number(4, 100)));
    CHECK(store->stats().disk_online);
}

TEST_CASE("want of descriptors is a miss, but not the file's fault") {
    World world;
    const auto store = world.open();
    REQUIRE(store->store(key_number(1), *object_number(1, 100)) == NotStored::None);
    world.files.open_fault = EMFILE;
    CHECK(store->fetch(key_number(1)) == nullptr);
    CHECK(store->stats().disk_errors == 1);
    world.files.open_fault = 0;
    CHECK(same(store->fetch(key_number(1)), object_number(1, 100)));
}

TEST_CASE("what cannot be removed still counts, and is not served after an erase") {
    World world;
    const auto store = world.open({.memory_bytes = kMiB, .disk_bytes = 8 * 4096});
    for (std::uint64_t number = 0; number < 8; ++number) {
        REQUIRE(store->store(key_number(number), *object_number(number, 100)) == NotStored::None);
    }
    world.files.unlink_fault = EROFS;
    SECTION("eviction that fails stores nothing rather than too much") {
        CHECK(store->store(key_number(8), *object_number(8, 100)) == NotStored::WriteFailed);
        CHECK(world.folder.bytes_on_disk() == 8 * 4096);
        CHECK(store->stats().disk_bytes == 8 * 4096);
    }
    SECTION("erase") {
        store->erase(key_number(3));
        CHECK_FALSE(store->on_disk(key_number(3)));
        CHECK(store->fetch(key_number(3)) == nullptr);
        CHECK(store->stats().disk_bytes == 8 * 4096);
    }
    SECTION("a temporary that stays keeps its bytes reserved") {
        store->set_limits({.memory_bytes = kMiB, .disk_bytes = 16 * 4096});
        world.files.write_fault = EIO;
        CHECK(store->store(key_number(8), *object_number(8, 100)) == NotStored::WriteFailed);
        CHECK(store->stats().disk_bytes == 9 * 4096);
    }
}
