#include "cache_store/disk_tier.h"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

TEST_CASE("what was stored is fetched again, and is then in memory") {
    World world;
    const auto store = world.open();
    const auto object = object_number(1, 40'000);
    CHECK(store->stats().disk_online);
    CHECK_FALSE(store->on_disk(key_number(1)));
    CHECK(store->fetch(key_number(1)) == nullptr);

    REQUIRE(store->store(key_number(1), *object) == NotStored::None);
    CHECK(store->on_disk(key_number(1)));
    CHECK(store->find(key_number(1)) == nullptr);  // store() is about the disk alone
    CHECK(same(store->fetch(key_number(1)), object));
    CHECK(same(store->find(key_number(1)), object));

    const auto stats = store->stats();
    CHECK(stats.disk_hits == 1);
    CHECK(stats.disk_misses == 1);
    CHECK(stats.disk_objects == 1);
    CHECK(stats.disk_bytes == disk_charge(file_bytes(*object)));
    CHECK(stats.disk_bytes == world.folder.bytes_on_disk());

    SECTION("put alone writes nothing") {
        store->put(key_number(2), object);
        CHECK_FALSE(store->on_disk(key_number(2)));
        CHECK(same(store->find(key_number(2)), object));
    }
    SECTION("erase removes it from both tiers and from the folder") {
        store->erase(key_number(1));
        CHECK(store->find(key_number(1)) == nullptr);
        CHECK_FALSE(store->on_disk(key_number(1)));
        CHECK(store->fetch(key_number(1)) == nullptr);
        CHECK(world.folder.bytes_on_disk() == 0);
        CHECK(store->stats().disk_bytes == 0);
    }
    SECTION("storing again replaces the file, in the account too") {
        const auto other = object_number(2, 100);
        REQUIRE(store->store(key_number(1), *other) == NotStored::None);
        CHECK(same(store->fetch(key_number(1)), other));
        CHECK(store->stats().disk_objects == 1);
        CHECK(store->stats().disk_bytes == world.folder.bytes_on_disk());
    }
    SECTION("files are readable by nobody else") {
        struct stat status{};
        REQUIRE(::stat(world.folder.file_of(key_number(1)).c_str(), &status) == 0);
        CHECK((status.st_mode & 0077) == 0);
    }
}

TEST_CASE("objects are found again after a restart") {
    World world;
    {
        const auto store = world.open();
        for (std::uint64_t number = 0; number < 300; ++number) {
            REQUIRE(store->store(key_number(number), *object_number(number, number * 10)) == NotStored::None);
        }
    }
    const auto store = world.open();
    CHECK(store->stats().disk_objects == 300);
    CHECK(store->stats().disk_bytes == world.folder.bytes_on_disk());
    for (std::uint64_t number = 0; number < 300; ++number) {
        REQUIRE(store->on_disk(key_number(number)));
        CHECK(same(store->fetch(key_number(number)), object_number(number, number * 10)));
    }
}

TEST_CASE("the disk limit holds at every instant, also while a file is being written") {
    World world;
    constexpr std::uint64_t limit = 64 * 4096;
    const auto store = world.open({.memory_bytes = kMiB, .disk_bytes = limit});
    std::uint64_t most = 0;
    // Between the last write and the rename both the new file and all that it will not replace are on the disk.
    world.files.before_rename = [&] { most = std::max(most, world.folder.bytes_on_disk()); };
    for (std::uint64_t number = 0; number < 200; ++number) {
        REQUIRE(store->store(key_number(number % 120), *object_number(number, number * 997 % 30'000)) == NotStored::None);
        most = std::max(most, world.folder.bytes_on_disk());
        REQUIRE(store->stats().disk_bytes == world.folder.bytes_on_disk());
    }
    CHECK(most <= limit);
    CHECK(most > limit * 8 / 10);
    CHECK(store->stats().disk_evictions > 0);
}

TEST_CASE("what was fetched or stored least recently leaves the disk first") {
    World world;
    const Limits limits{.memory_bytes = kMiB, .disk_bytes = 8 * 4096};
    const auto stored = [](Store& store, std::uint64_t number) {
        REQUIRE(store.store(key_number(number), *object_number(number, 100)) == NotStored::None);
    };
    auto store = world.open(limits);
    for (std::uint64_t number = 0; number < 8; ++number) stored(*store, number);
    REQUIRE(store->fetch(key_number(0)));
    stored(*store, 8);
    CHECK(store->on_disk(key_number(0)));
    CHECK_FALSE(store->on_disk(key_number(1)));

    SECTION("a restart keeps the order, by modification time") {
        store.reset();
        const auto now = std::filesystem::file_time_type::clock::now();
        for (std::uint64_t number : {2, 3, 4, 5, 6, 7, 8, 0}) {
            std::filesystem::last_write_time(world.folder.file_of(key_number(number)), now - std::chrono::hours(10 - number));
        }
        store = world.open(limits);  // oldest now: 0, 2, 3 …
        REQUIRE(store->fetch(key_number(2)));
        stored(*store, 9);
        stored(*store, 10);
        CHECK_FALSE(store->on_disk(key_number(0)));
        CHECK(store->on_disk(key_number(2)));
        CHECK_FALSE(store->on_disk(key_number(3)));
        CHECK(store->on_disk(key_number(4)));
    }
}

TEST_CASE("a hit refreshes the modification time, at most once an hour") {
    World world;
    auto store = world.open();
    REQUIRE(store->store(key_number(1), *object_number(1, 10)) == NotStored::None);
    const auto file = world.folder.file_of(key_number(1));
    const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours(100);
    std::filesystem::last_write_time(file, old);

    REQUIRE(store->fetch(key_number(1)));
    CHECK(world.files.touches == 0);  // it was written just now
    world.clock.advance(std::chrono::minutes(61));
    REQUIRE(store->fetch(key_number(1)));
    REQUIRE(store->fetch(key_number(1)));
    CHECK(world.files.touches == 1);
    CHECK(std::filesystem::last_write_time(file) > old + std::chrono::hours(99));
}

TEST_CASE("limits that shrink hold as soon as they are set; zero turns the disk off") {
    World world;
    const auto store = world.open();
    for (std::uint64_t number = 0; number < 20; ++number) {
        REQUIRE(store->store(key_number(number), *object_number(number, 100)) == NotStored::None);
    }
    store->set_limits({.memory_bytes = kMiB, .disk_bytes = 8 * 4096});
    CHECK(world.folder.bytes_on_disk() == 8 * 4096);
    CHECK(store->on_disk(key_number(19)));
    CHECK_FALSE(store->on_disk(key_number(11)));

    store->set_limits({.memory_bytes = kMiB, .disk_bytes = 0});
    CHECK(world.folder.bytes_on_disk() == 0);
    CHECK(store->store(key_number(1), *object_number(1, 100)) == NotStored::DiskOff);
    CHECK_FALSE(store->stats().disk_online);

    store->set_limits({});
    CHECK(store->store(key_number(1), *object_number(1, 100)) == NotStored::None);
}

TEST_CASE("a store that opens with a smaller limit than before keeps it") {
    World world;
    {
        const auto store = world.open();
        for (std::uint64_t number = 0; number < 20; ++number) {
            REQUIRE(store->store(key_number(number), *object_number(number, 100)) == NotStored::None);
        }
    }
    const auto store = world.open({.memory_bytes = kMiB, .disk_bytes = 5 * 4096});
    CHECK(world.folder.bytes_on_disk() == 5 * 4096);
}

TEST_CASE("an object larger than an eighth of the disk is not stored and is counted") {
    World world;
    const auto store = world.open({.memory_bytes = kMiB, .disk_bytes = 8 * 4096});
    CHECK(store->store(key_number(1), *object_number(1, 4096 - kHeaderBytes)) == NotStored::TooLarge);
    CHECK(store->stats().rejected == 1);
    CHECK(world.folder.bytes_on_disk() == 0);
    CHECK(store->stats().disk_online);
}
