#include "cache_store/disk/log_tier.h"
#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

SCENARIO("a folder that another process has is refused") {
    World world;
    auto tier = world.open();
    PurgeTable purges;
    const auto second =
        LogTier::open(world.folder.path(), World::limit(36 * kMiB), purges, world.files, world.clocks.reader(), world.log);
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ErrorKind::Overloaded);
    tier.reset();
    CHECK(world.open() != nullptr);
}

SCENARIO("a successor gets the folder, while what was there is still read") {
    World world;
    auto tier = world.open();
    for (std::uint64_t number = 0; number < 100; ++number) tier->enqueue(key_number(number), object_number(number, 31 * kKiB));
    const auto purges = std::move(world.purges);
    tier->release();
    CHECK(tier->enqueue(key_number(200), object_number(200, 10)) == NotStored::DiskOff);
    CHECK_FALSE(tier->work_waits());

    auto successor = world.open();
    CHECK(stats_of(*successor).objects == 100);
    CHECK_FALSE(tier->reclaim());
    CHECK(same(read(*tier, 7), object_number(7, 31 * kKiB)));

    THEN("what the successor throws away is a miss, never something else") {
        for (std::uint64_t number = 1000; number < 2200; ++number) {
            successor->enqueue(key_number(number), object_number(number, 31 * kKiB));
            if (number % 30 == 0) world.work(*successor);
        }
        tier->work();
        tier->set_limits(World::limit(20 * kMiB));
        for (std::uint64_t number = 0; number < 100; ++number) {
            const auto object = read(*tier, number);
            if (object) REQUIRE(same(object, object_number(number, 31 * kKiB)));
        }
        CHECK(read(*tier, 0) == nullptr);
        CHECK(same(read(*successor, 2199), object_number(2199, 31 * kKiB)));
    }
    THEN("when the successor fails, it is taken back, with what was written meanwhile") {
        world.store(*successor, 300, object_number(300, 1000));
        successor.reset();
        CHECK(tier->reclaim());
        world.work(*tier);
        CHECK(same(read(*tier, 300), object_number(300, 1000)));
        CHECK(same(read(*tier, 7), object_number(7, 31 * kKiB)));
        CHECK(world.store(*tier, 301, object_number(301, 1000)) == NotStored::None);
        CHECK(same(read(*tier, 301), object_number(301, 1000)));
        tier->close();
        tier.reset();
        tier = world.open();
        CHECK(same(read(*tier, 300), object_number(300, 1000)));
        CHECK(same(read(*tier, 301), object_number(301, 1000)));
    }
}
