#include <semaphore>
#include <thread>

#include "cache_store/disk/breaker.h"
#include "cache_store/disk/log_tier.h"
#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

SCENARIO("a write that fails costs what was to be written, and no more") {  // R7
    World world;
    auto tier = world.open();
    world.store(*tier, 1, object_number(1, 5000));
    world.files.write_fault = GENERATE(EIO, ENOSPC);
    CHECK(world.store(*tier, 2, object_number(2, 5000)) == NotStored::None);
    CHECK(read(*tier, 2) == nullptr);
    CHECK(same(read(*tier, 1), object_number(1, 5000)));
    CHECK(stats_of(*tier).write_errors == 1);
    CHECK(stats_of(*tier).dropped_offline == 1);
    CHECK(stats_of(*tier).segments_offline == 1);
    CHECK(stats_of(*tier).waiting_bytes == 0);
    CHECK(stats_of(*tier).online);

    WHEN("the disk recovers") {
        world.files.write_fault = 0;
        world.store(*tier, 3, object_number(3, 5000));
        CHECK(same(read(*tier, 3), object_number(3, 5000)));
        THEN("both are found after a restart") {
            tier.reset();
            tier = world.open();
            CHECK(same(read(*tier, 1), object_number(1, 5000)));
            CHECK(same(read(*tier, 3), object_number(3, 5000)));
        }
    }
    WHEN("it goes on failing") {
        world.store(*tier, 3, object_number(3, 5000));
        world.store(*tier, 4, object_number(4, 5000));
        THEN("the disk rests, and is read") {
            CHECK_FALSE(stats_of(*tier).online);
            CHECK(tier->enqueue(key_number(5), object_number(5, 5000)) == NotStored::DiskOff);
            CHECK(same(read(*tier, 1), object_number(1, 5000)));
        }
        THEN("after a while it is tried again") {
            world.files.write_fault = 0;
            world.clocks.advance(Breaker::kRest);
            CHECK(world.store(*tier, 5, object_number(5, 5000)) == NotStored::None);
            CHECK(same(read(*tier, 5), object_number(5, 5000)));
            CHECK(stats_of(*tier).online);
        }
    }
}

SCENARIO("short transfers are continued") {
    World world;
    world.files.longest_write = GENERATE(1000, 4096, 12'288);  // the first is no block: what is left is written otherwise
    world.files.longest_read = 700;
    auto tier = world.open();
    world.store(*tier, 1, object_number(1, 50'000));
    CHECK(same(read(*tier, 1), object_number(1, 50'000)));
    tier.reset();
    tier = world.open();
    CHECK(same(read(*tier, 1), object_number(1, 50'000)));
}

SCENARIO("when others have filled the disk, what is ours is used again") {
    World world;
    auto tier = world.open();
    for (std::uint64_t number = 0; number < 300; ++number) world.store(*tier, number, object_number(number, 31 * kKiB));
    const auto segments = world.folder.segments().size();
    world.files.allocate_fault = ENOSPC;
    for (std::uint64_t number = 300; number < 500; ++number) world.store(*tier, number, object_number(number, 31 * kKiB));
    CHECK(read(*tier, 499) != nullptr);
    CHECK(read(*tier, 0) == nullptr);
    CHECK(world.folder.segments().size() == segments);
    CHECK(stats_of(*tier).online);
}

SCENARIO("a segment that cannot be allocated leaves nothing behind") {
    World world;
    auto tier = world.open();
    world.files.allocate_fault = ENOSPC;
    world.store(*tier, 1, object_number(1, 1000));
    CHECK(read(*tier, 1) == nullptr);
    CHECK(world.folder.segments().empty());
}

SCENARIO("data that cannot be made durable is given up, not believed") {
    World world;
    auto tier = world.open();
    world.store(*tier, 1, object_number(1, 1000));
    world.files.sync_fault = EIO;
    for (std::uint64_t number = 2; number < 100; ++number) world.store(*tier, number, object_number(number, 31 * kKiB));
    CHECK(stats_of(*tier).write_errors >= 2);  // to seal the first, to begin another
    CHECK(read(*tier, 1) != nullptr);
    world.files.sync_fault = 0;
    world.clocks.advance(Breaker::kRest);
    world.store(*tier, 200, object_number(200, 1000));
    CHECK(read(*tier, 200) != nullptr);
}

SCENARIO("a read that fails is a miss; three in a row are the segment's end") {
    World world;
    auto tier = world.open();
    world.store(*tier, 1, object_number(1, 1000));
    world.store(*tier, 2, object_number(2, 1000));
    world.files.read_fault = EIO;
    CHECK(read(*tier, 1) == nullptr);
    CHECK(read(*tier, 2) == nullptr);
    CHECK(stats_of(*tier).read_errors == 2);
    WHEN("it was bad luck") {
        world.files.read_fault = 0;
        CHECK(read(*tier, 1) != nullptr);
        world.files.read_fault = EIO;
        CHECK(read(*tier, 1) == nullptr);
        world.files.read_fault = 0;
        CHECK(read(*tier, 1) != nullptr);
    }
    WHEN("it was not") {
        CHECK(read(*tier, 2) == nullptr);
        world.files.read_fault = 0;
        CHECK(read(*tier, 1) == nullptr);
        CHECK_FALSE(tier->may_have(key_number(1)));
        CHECK(stats_of(*tier).read_errors == 3);
        CHECK(stats_of(*tier).segments_offline == 1);
    }
}

SCENARIO("a disk that stalls holds up nobody but who writes to it") {
    World world;
    auto tier = world.open();
    world.store(*tier, 1, object_number(1, 1000));
    world.store(*tier, 9, object_number(9, 10'000));  // so that the block of the first is not written again
    REQUIRE(read(*tier, 1));                          // into the page cache
    std::binary_semaphore stalled{0}, go_on{0};
    const auto stall = [&, once = false]() mutable {
        if (std::exchange(once, true)) return;
        stalled.release();
        go_on.acquire();
    };
    const bool in_write = GENERATE(true, false);
    if (in_write) {
        world.files.before_write = stall;
    } else {
        world.files.before_sync = stall;
    }
    tier->enqueue(key_number(2), object_number(2, 3 * kMiB));
    world.clocks.advance(std::chrono::seconds(1));
    std::thread worker([&] { tier->work(); });
    stalled.acquire();
    // Each of these would wait for ever if it took what the writer holds.
    CHECK(tier->read_now(key_number(1)).has_value());
    CHECK(same(*tier->read_now(key_number(2)), object_number(2, 3 * kMiB)));
    CHECK(tier->enqueue(key_number(3), object_number(3, 1000)) == NotStored::None);
    CHECK(tier->may_have(key_number(3)));
    tier->erase(key_number(1));
    CHECK(stats_of(*tier).waiting_bytes > 0);
    go_on.release();
    worker.join();
    world.work(*tier);
    CHECK(read(*tier, 3) != nullptr);
    CHECK(read(*tier, 1) == nullptr);
}

SCENARIO("a folder that cannot be used is an error with its reason") {
    World world;
    SECTION("it is a file") {
        write_file(std::filesystem::path(world.folder.path()) / "objects", "not a folder");
        CHECK(world.try_open().error().kind == ErrorKind::Internal);
    }
    SECTION("nothing can be written to it") {
        world.files.write_fault = EROFS;
        CHECK(world.try_open().error().kind == ErrorKind::Internal);
    }
    SECTION("nothing can be opened in it") {
        world.files.open_fault = EACCES;
        CHECK(world.try_open().error().kind == ErrorKind::Internal);
    }
}
