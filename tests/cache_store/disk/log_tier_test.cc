#include "cache_store/disk/log_tier.h"

#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

SCENARIO("what was put is read, at once and after it was written") {
    World world;
    auto tier = world.open();
    const auto object = object_number(1, 31 * kKiB);
    REQUIRE(tier->enqueue(key_number(1), object) == NotStored::None);

    CHECK(tier->may_have(key_number(1)));
    CHECK(same(*tier->read_now(key_number(1)), object));
    CHECK_FALSE(tier->may_have(key_number(2)));
    CHECK(tier->read(key_number(2)).error() == LogTier::Miss::NotThere);

    world.work(*tier);
    CHECK(same(read(*tier, 1), object));
    CHECK(same(*tier->read_now(key_number(1)), object));  // what was read is in the page cache, what was written is not
    CHECK(stats_of(*tier).objects == 1);
    CHECK(stats_of(*tier).waiting_bytes == 0);
}

SCENARIO("what was written is found by the next process") {
    World world;
    std::vector<ObjectPtr> objects;
    {
        auto tier = world.open();
        for (std::uint64_t number = 0; number < 300; ++number) {
            objects.push_back(object_number(number, (number * 997) % (40 * kKiB)));
            REQUIRE(tier->enqueue(key_number(number), objects.back()) == NotStored::None);
            if (number % 50 == 0) world.work(*tier);
        }
        const bool closed = GENERATE(true, false);  // or only killed after the last write
        closed ? tier->close() : world.work(*tier);
    }
    auto again = world.try_open();
    REQUIRE(again);
    THEN("until it has been indexed it is a miss") { CHECK_FALSE((*again)->may_have(key_number(7))); }
    world.work(**again);
    CHECK((*again)->indexed());
    CHECK(stats_of(**again).objects == 300);
    for (std::uint64_t number = 0; number < 300; ++number) {
        INFO(number);
        CHECK(same(read(**again, number), objects[number]));
    }
    THEN("and the log goes on behind it") {
        for (std::uint64_t number = 300; number < 330; ++number) world.store(**again, number, object_number(number, 3000));
        again->reset();
        auto third = world.open();
        for (std::uint64_t number = 0; number < 330; ++number) {
            INFO(number);
            CHECK(read(*third, number) != nullptr);
        }
        CHECK(stats_of(*third).corrupt + stats_of(*third).foreign == 0);
    }
}

SCENARIO("a later object replaces an earlier one, also after a restart") {
    World world;
    auto tier = world.open();
    world.store(*tier, 1, object_number(10, 5000));
    world.store(*tier, 1, object_number(11, 9000));
    CHECK(same(read(*tier, 1), object_number(11, 9000)));
    CHECK(stats_of(*tier).objects == 1);
    tier.reset();
    tier = world.open();
    CHECK(same(read(*tier, 1), object_number(11, 9000)));
    CHECK(stats_of(*tier).objects == 1);
}

SCENARIO("the bytes on the disk are never more than the limit") {
    World world;
    const std::uint64_t limit = 36 * kMiB;
    auto tier = world.open(limit);
    std::uint64_t most = 0;
    world.files.before_write = [&] { most = std::max(most, world.folder.bytes_on_disk()); };
    for (std::uint64_t number = 0; number < 4000; ++number) {  // 124 MB
        REQUIRE(tier->enqueue(key_number(number), object_number(number, 31 * kKiB)) == NotStored::None);
        if (number % 40 == 0) world.work(*tier);
        if (number == 2000) tier->set_limits(World::limit(limit / 2));
        if (number >= 2000) REQUIRE(world.folder.bytes_on_disk() <= limit / 2);
    }
    CHECK(most <= limit);
    CHECK(most > limit / 2);
    CHECK(stats_of(*tier).evictions > 3000);
    CHECK(tier->filled_once());
    CHECK(stats_of(*tier).bytes <= limit / 2);
    CHECK(stats_of(*tier).corrupt + stats_of(*tier).foreign == 0);

    THEN("the newest are there, the oldest are gone, and the sum is right") {
        world.work(*tier);
        CHECK(same(read(*tier, 3999), object_number(3999, 31 * kKiB)));
        CHECK_FALSE(tier->may_have(key_number(0)));
        std::uint64_t there = 0;
        for (std::uint64_t number = 0; number < 4000; ++number) {
            const auto object = read(*tier, number);
            if (object) REQUIRE(same(object, object_number(number, 31 * kKiB)));
            there += object != nullptr;
        }
        CHECK(there == stats_of(*tier).objects);
        CHECK(there > 200);
    }
    THEN("a limit of zero empties the disk") {
        tier->set_limits(World::limit(0));
        CHECK(world.folder.segments().empty());
        CHECK(tier->enqueue(key_number(1), object_number(1, 10)) == NotStored::DiskOff);
        CHECK_FALSE(tier->may_have(key_number(3999)));
        tier->set_limits(World::limit(limit));
        CHECK(tier->enqueue(key_number(1), object_number(1, 10)) == NotStored::None);
        world.work(*tier);
        CHECK(same(read(*tier, 1), object_number(1, 10)));
    }
    THEN("a larger limit keeps what is there") {
        tier->set_limits(World::limit(20 * limit));
        world.work(*tier);
        CHECK(same(read(*tier, 3999), object_number(3999, 31 * kKiB)));
    }
}

SCENARIO("the oldest segment leaves first, but not what was hit and is dear") {
    World world;
    auto tier = world.open();
    const auto fill = [&](std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t number = from; number < to; ++number) world.store(*tier, number, object_number(number, 31 * kKiB));
    };
    fill(0, 300);
    REQUIRE(read(*tier, 3));
    REQUIRE(read(*tier, 5));
    std::uint64_t last = 300;
    while (stats_of(*tier).evictions == 0) {
        fill(last, last + 10);
        last += 10;
    }
    CHECK_FALSE(tier->may_have(key_number(0)));
    CHECK_FALSE(tier->may_have(key_number(4)));
    CHECK(tier->may_have(key_number(200)));
    CHECK(same(read(*tier, 3), object_number(3, 31 * kKiB)));
    CHECK(same(read(*tier, 5), object_number(5, 31 * kKiB)));
    CHECK(stats_of(*tier).copied_objects == 2);
    THEN("its copy is found after a restart") {
        tier.reset();
        tier = world.open();
        CHECK(same(read(*tier, 3), object_number(3, 31 * kKiB)));
        CHECK(stats_of(*tier).corrupt + stats_of(*tier).foreign == 0);
    }
}

SCENARIO("an object that was erased stays so") {
    World world;
    auto tier = world.open();
    world.store(*tier, 1, object_number(1, 5000));
    world.store(*tier, 2, object_number(2, 5000));
    tier->erase(key_number(1));
    CHECK_FALSE(tier->may_have(key_number(1)));
    tier->enqueue(key_number(3), object_number(3, 10));
    tier->erase(key_number(3));
    CHECK(read(*tier, 3) == nullptr);
    world.work(*tier);
    CHECK(read(*tier, 1) == nullptr);
    CHECK(read(*tier, 3) == nullptr);
    tier.reset();
    tier = world.open();
    CHECK(read(*tier, 1) == nullptr);
    CHECK(read(*tier, 3) == nullptr);
    CHECK(read(*tier, 2) != nullptr);
    THEN("until it is put again") {
        world.store(*tier, 1, object_number(7, 100));
        tier.reset();
        tier = world.open();
        CHECK(same(read(*tier, 1), object_number(7, 100)));
    }
}

SCENARIO("erased before a restart has indexed it, an object does not come back") {
    World world;
    auto tier = world.open();
    world.store(*tier, 1, object_number(1, 5000));
    tier.reset();
    tier = *world.try_open();
    tier->erase(key_number(1));
    world.work(*tier);
    CHECK(read(*tier, 1) == nullptr);
    tier.reset();
    tier = world.open();
    CHECK(read(*tier, 1) == nullptr);
}

SCENARIO("new lifetimes take effect at once and survive a restart; the body is not written again") {
    World world;
    auto tier = world.open();
    const Lifetimes first{100, 200, 300}, second{1000, 2000, 3000};
    auto object = plain_object(body_number(1, 40 * kKiB));
    object.lifetimes = first;
    CHECK_FALSE(tier->refresh(key_number(1), second));
    if (GENERATE(true, false)) {  // it waits to be written
        tier->enqueue(key_number(1), shared(object));
        CHECK(tier->refresh(key_number(1), second));
        CHECK(read(*tier, 1)->lifetimes == second);
    } else {  // it is on the disk
        world.store(*tier, 1, shared(object));
        const auto before = stats_of(*tier).written_bytes;
        CHECK(tier->refresh(key_number(1), second));
        CHECK(read(*tier, 1)->lifetimes == second);
        world.work(*tier);
        CHECK(stats_of(*tier).written_bytes - before < 1000);
    }
    world.work(*tier);
    CHECK(read(*tier, 1)->lifetimes == second);
    CHECK(stats_of(*tier).objects == 1);
    tier.reset();
    tier = world.open();
    REQUIRE(read(*tier, 1));
    CHECK(read(*tier, 1)->lifetimes == second);
    CHECK(read(*tier, 1)->body->view() == object.body->view());
    CHECK(stats_of(*tier).objects == 1);
    THEN("a new object has its own") {
        world.store(*tier, 1, shared(object));
        CHECK(read(*tier, 1)->lifetimes == first);
        tier.reset();
        tier = world.open();
        CHECK(read(*tier, 1)->lifetimes == first);
    }
    THEN("they go along when it is copied forward") {
        std::uint64_t number = 100;
        while (stats_of(*tier).copied_objects == 0) {
            for (int some = 0; some < 30; ++some, ++number) tier->enqueue(key_number(number), object_number(number, 31 * kKiB));
            world.work(*tier);
            REQUIRE(number < 3000);
        }
        REQUIRE(read(*tier, 1));
        CHECK(read(*tier, 1)->lifetimes == second);
    }
}

SCENARIO("an object that was made in the future is not trusted to be fresh") {  // R9
    World world;
    auto tier = world.open();
    auto object = plain_object("body");
    object.created = world.clocks.wall() + std::chrono::seconds(100);
    object.lifetimes = {4'000'000'000, 4'000'000'001, 4'000'000'002};
    world.store(*tier, 1, shared(object));
    REQUIRE(read(*tier, 1));
    CHECK(read(*tier, 1)->lifetimes == Lifetimes{0, 0, 4'000'000'002});
    world.clocks.advance(std::chrono::seconds(60));
    CHECK(read(*tier, 1)->lifetimes == object.lifetimes);
}

SCENARIO("what waits is bounded, and what is too large is refused") {
    World world;
    auto tier = world.open();
    std::uint64_t taken = 0;
    int told = 0;
    tier->on_work([&] { ++told; });
    while (tier->enqueue(key_number(taken), object_number(taken, 100 * kKiB)) == NotStored::None) ++taken;
    CHECK(taken >= 75);
    CHECK(taken <= 82);
    CHECK(told == 1);
    CHECK(tier->work_waits());
    CHECK(stats_of(*tier).dropped_busy == 1);
    world.work(*tier);
    CHECK_FALSE(tier->work_waits());
    CHECK(stats_of(*tier).objects == taken);
    CHECK(tier->enqueue(key_number(999), object_number(1, 5 * kMiB)) == NotStored::TooLarge);
    CHECK(stats_of(*tier).dropped_too_large == 1);
}

SCENARIO("an object is not read while that would wait for the disk") {
    World world;
    auto tier = world.open();
    world.store(*tier, 1, object_number(1, 1000));
    world.store(*tier, 2, object_number(2, 400 * kKiB));
    CHECK(tier->read_now(key_number(2)).error() == LogTier::Miss::WouldBlock);  // too much for a loop
    world.files.never_now = true;
    CHECK(tier->read_now(key_number(1)).error() == LogTier::Miss::WouldBlock);
    CHECK(read(*tier, 1) != nullptr);
    CHECK(stats_of(*tier).would_block == 2);
    THEN("memory for a large one is not made in vain: one byte tells") {
        world.store(*tier, 3, object_number(3, 100 * kKiB));
        CHECK(tier->read_now(key_number(3)).error() == LogTier::Miss::WouldBlock);
        CHECK(world.files.asked_in_vain == 1);
        world.files.never_now = false;
        CHECK(tier->read(key_number(3)).value()->body->size() == 100 * kKiB);
        CHECK(tier->read_now(key_number(3)).value()->body->size() == 100 * kKiB);
    }
}

SCENARIO("the hot list is kept beside the segments") {
    World world;
    auto tier = world.open();
    CHECK(tier->read_hot_list().empty());
    CHECK(tier->write_hot_list("one\ntwo\n"));
    tier.reset();
    tier = world.open();
    CHECK(tier->read_hot_list() == "one\ntwo\n");
    CHECK_FALSE(tier->write_hot_list(std::string(2 * kMiB, 'x')));
}
