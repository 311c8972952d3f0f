#include "cache_store/disk/log_tier.h"
#include "cache_store/disk/segment.h"
#include "cache_store/disk/superblock.h"
#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

// Three objects in the first segment; closed. Where their bodies lie: they begin with their number's bytes.
void three_objects(World& world) {
    auto tier = world.open();
    for (std::uint64_t number = 1; number <= 3; ++number) world.store(*tier, number, object_number(number, 10'000));
    tier->close();
}

std::uint64_t place_of_body(const World& world, std::uint64_t number) {
    return read_file(world.folder.segment(0)).find(body_number(number, 64));
}

}  // namespace

SCENARIO("a damaged record is a miss, counted and forgotten, and its neighbours are not") {  // R1
    World world;
    three_objects(world);
    const auto place = place_of_body(world, 2);
    REQUIRE(place != std::string::npos);
    SECTION("in its body, found while it is indexed") {
        patch_file(world.folder.segment(0), place + 5000, "!");
        auto tier = world.open();
        CHECK(same(read(*tier, 1), object_number(1, 10'000)));
        CHECK(read(*tier, 2) == nullptr);
    }
    SECTION("while the store is open") {
        auto tier = world.open();
        patch_file(world.folder.segment(0), place + GENERATE(9999, -10, -60, -100), "!");
        CHECK(read(*tier, 2) == nullptr);
        CHECK(stats_of(*tier).corrupt + stats_of(*tier).foreign == 1);
        CHECK_FALSE(tier->may_have(key_number(2)));
        CHECK(same(read(*tier, 1), object_number(1, 10'000)));
        CHECK(same(read(*tier, 3), object_number(3, 10'000)));
    }
}

SCENARIO("a segment that was cut short loses what was behind") {
    World world;
    three_objects(world);
    const auto place = place_of_body(world, 3);
    SECTION("before the store is opened") {
        std::filesystem::resize_file(world.folder.segment(0), place + 100);
        auto tier = world.open();
        CHECK(same(read(*tier, 1), object_number(1, 10'000)));
        CHECK(same(read(*tier, 2), object_number(2, 10'000)));
        CHECK(read(*tier, 3) == nullptr);
        THEN("and goes on there") {
            world.store(*tier, 4, object_number(4, 50'000));
            tier.reset();
            tier = world.open();
            CHECK(same(read(*tier, 4), object_number(4, 50'000)));
        }
    }
    SECTION("while it is open") {
        auto tier = world.open();
        std::filesystem::resize_file(world.folder.segment(0), place + 100);
        CHECK(read(*tier, 3) == nullptr);
        CHECK(same(read(*tier, 2), object_number(2, 10'000)));
        CHECK(stats_of(*tier).corrupt == 1);
        CHECK(stats_of(*tier).segments_offline == 0);
    }
}

SCENARIO("a sealed segment is known without its table of contents") {
    World world;
    auto tier = world.open();
    for (std::uint64_t number = 0; number < 300; ++number) world.store(*tier, number, object_number(number, 31 * kKiB));
    const auto objects = stats_of(*tier).objects;
    tier->close();
    REQUIRE(world.folder.segments().size() > 3);
    const auto segment = world.folder.segment(1);
    const auto bytes = std::filesystem::file_size(segment);
    patch_file(segment, bytes - GENERATE(9U, 40U, 48U, 100U), "broken!");
    tier.reset();
    tier = world.open();
    CHECK(stats_of(*tier).objects == objects);
    for (std::uint64_t number = 0; number < 300; ++number) REQUIRE(same(read(*tier, number), object_number(number, 31 * kKiB)));
}

SCENARIO("one sound superblock is enough, none begins cold") {
    World world;
    three_objects(world);
    const auto first = world.folder.log() / "superblock.0", second = world.folder.log() / "superblock.1";
    {
        auto tier = world.open();  // both have been written then
        tier->set_limits(World::limit(30 * kMiB));
        tier->close();
    }
    REQUIRE(std::filesystem::exists(first));
    REQUIRE(std::filesystem::exists(second));
    SECTION("the first is broken") {
        patch_file(first, 100, "xxxx");
        auto tier = world.open();
        CHECK(read(*tier, 2) != nullptr);
    }
    SECTION("the second is missing") {
        std::filesystem::remove(second);
        auto tier = world.open();
        CHECK(read(*tier, 2) != nullptr);
    }
    SECTION("both are broken") {
        patch_file(first, 100, "xxxx");
        patch_file(second, 60, "xxxx");
        auto tier = world.open();
        CHECK(read(*tier, 2) == nullptr);
        CHECK(world.folder.segments().empty());
        world.store(*tier, 4, object_number(4, 50));
        CHECK(read(*tier, 4) != nullptr);
    }
}

SCENARIO("a later version's store is left alone, beside ours") {  // R5
    World world;
    three_objects(world);
    const auto chosen =
        choose_superblock(read_file(world.folder.log() / "superblock.0"), read_file(world.folder.log() / "superblock.1"));
    REQUIRE(chosen);
    auto later = *chosen;
    later.features = 1;
    later.serial += 1;
    write_file(world.folder.log() / fmt::format("superblock.{}", later.serial % 2), encode(later));
    const auto before = read_file(world.folder.segment(0));
    auto tier = world.open();
    CHECK(read(*tier, 1) == nullptr);
    CHECK(read_file(world.folder.objects() / "log-1.kept-1" / "segment.00000") == before);
    world.store(*tier, 4, object_number(4, 50));
    tier.reset();
    tier = world.open();
    CHECK(read(*tier, 4) != nullptr);
}

SCENARIO("without the journal of its purges, nothing that was stored is served") {  // R3
    World world;
    Tag tag{77};
    {
        auto tier = world.open();
        auto object = plain_object("purged");
        object.tags = {tag};
        object.birth = world.purges->sequence();
        world.store(*tier, 1, shared(object));
        REQUIRE(world.purges->purge({.tags = {tag}}));
        tier->close();
    }
    for (const auto& entry : std::filesystem::directory_iterator(world.folder.log())) {
        if (entry.path().filename().string().starts_with("purge")) std::filesystem::remove(entry.path());
    }
    auto tier = world.open();
    CHECK(read(*tier, 1) == nullptr);
}

SCENARIO("an object that was born after the newest known purge is not served: the journal is an old one") {
    World world;
    {
        auto tier = world.open();
        auto object = plain_object("from a later time");
        object.birth = world.purges->sequence() + 1'000'000;
        tier->enqueue(key_number(1), shared(object));
        world.work(*tier);
        tier->close();
    }
    auto tier = world.open();
    CHECK(read(*tier, 1) == nullptr);
}

SCENARIO("a segment of another store is not taken for ours") {
    World world, other;
    three_objects(world);
    three_objects(other);
    write_file(world.folder.segment(5), read_file(other.folder.segment(0)));
    auto tier = world.open();
    CHECK(stats_of(*tier).objects == 3);
    CHECK_FALSE(std::filesystem::exists(world.folder.segment(5)));
}

SCENARIO("the files of the development version are removed") {
    World world;
    write_file(world.folder.objects() / "v1" / "ab" / "abcd", std::string(10'000, 'x'));
    auto tier = world.open();
    CHECK_FALSE(std::filesystem::exists(world.folder.objects() / "v1"));
}

SCENARIO("a segment's earlier life is never read from its new one") {
    World world;
    auto tier = world.open();
    for (std::uint64_t number = 0; number < 2000; ++number) {
        tier->enqueue(key_number(number), object_number(number, 31 * kKiB));
        if (number % 20 == 0) world.work(*tier);
    }
    world.work(*tier);
    const bool closed = GENERATE(true, false);
    if (closed) tier->close();
    tier.reset();
    tier = world.open();
    std::uint64_t there = 0;
    for (std::uint64_t number = 0; number < 2000; ++number) {
        const auto object = read(*tier, number);
        if (object) REQUIRE(same(object, object_number(number, 31 * kKiB)));
        there += object != nullptr;
    }
    CHECK(there > 900);
    CHECK(there == stats_of(*tier).objects);
    CHECK(stats_of(*tier).foreign + stats_of(*tier).corrupt == 0);
    CHECK(world.folder.bytes_on_disk() <= 36 * kMiB);
}
