#include "cache_store/disk/log_tier.h"
#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

constexpr std::size_t kLarge = 3 * kMiB + 12'345;  // in parts of half a MiB

std::string read_range(StoredBody& body, std::uint64_t offset, std::size_t bytes) {
    std::string out(bytes, '\0');
    std::size_t done = 0;
    while (done < bytes && offset + done < body.size()) {
        const auto got = body.read(offset + done, out.data() + done, bytes - done);
        if (!got) return "broken";
        REQUIRE(*got > 0);
        done += *got;
    }
    out.resize(done);
    return out;
}

}  // namespace

SCENARIO("a large object is kept in parts, and any range of it is read alone") {
    World world;
    auto tier = world.open();
    const auto whole = body_number(1, kLarge);
    world.store(*tier, 1, object_of(whole));
    if (GENERATE(true, false)) {
        tier->close();
        tier.reset();
        tier = world.open();
    }
    CHECK(tier->read(key_number(1)).error() == LogTier::Miss::Large);
    CHECK(tier->read_now(key_number(1)).error() == LogTier::Miss::Large);
    CHECK(stats_of(*tier).objects == 1);

    const auto body = tier->open_body(key_number(1));
    REQUIRE(body);
    CHECK(body->size() == kLarge);
    CHECK(same_head(body->object(), *object_of("")));
    CHECK(body->object().body == nullptr);
    CHECK(read_range(*body, 0, kLarge) == whole);
    CHECK(read_range(*body, kLarge - 10, 100) == whole.substr(kLarge - 10));
    CHECK(read_range(*body, 512 * kKiB - 5, 10) == whole.substr(512 * kKiB - 5, 10));
    THEN("what is not in memory is not waited for") {
        char some[10];
        world.files.never_now = true;
        CHECK(body->read_now(0, some, 10).error() == StoredBody::Failure::WouldBlock);
        CHECK(body->read(0, some, 10) == 10);
        CHECK(body->read_now(100, some, 10) == 10);  // the part that it holds
    }
    THEN("its place is kept while it is read, and no longer") {
        const auto flood = [&](std::uint64_t from) {
            for (std::uint64_t number = from; number < from + 1500; ++number) {
                tier->enqueue(key_number(number), object_number(number, 31 * kKiB));
                if (number % 20 == 0) world.work(*tier);
            }
        };
        flood(1000);
        CHECK(read_range(*body, 0, kLarge) == whole);
        CHECK(stats_of(*tier).evictions > 100);
        CHECK(world.folder.bytes_on_disk() <= 36 * kMiB);
        const_cast<std::shared_ptr<StoredBody>&>(body).reset();
        flood(10'000);
        CHECK(tier->open_body(key_number(1)) == nullptr);
    }
    THEN("a part that is damaged breaks it off") {
        const auto part = whole.substr(2 * kMiB, 64);
        for (const auto& segment : world.folder.segments()) {
            const auto place = read_file(segment).find(part);
            if (place != std::string::npos) patch_file(segment, place + 1000, "!");
        }
        CHECK(read_range(*body, 0, 2 * kMiB) == whole.substr(0, 2 * kMiB));
        CHECK(read_range(*body, 0, kLarge) == "broken");
        CHECK(stats_of(*tier).corrupt == 1);
        CHECK(tier->open_body(key_number(1)) == nullptr);
    }
    THEN("what outlives the tier ends") {
        tier.reset();
        CHECK(read_range(*body, 0, 10) == "broken");
    }
}

SCENARIO("small objects, and those that wait, are opened in the same way") {
    World world;
    auto tier = world.open();
    tier->enqueue(key_number(1), object_number(1, 2 * kMiB));
    CHECK(read_range(*tier->open_body(key_number(1)), 5, 100) == body_number(1, 2 * kMiB).substr(5, 100));
    CHECK(same(*tier->read_now(key_number(1)), object_number(1, 2 * kMiB)));
    world.store(*tier, 2, object_number(2, 1000));
    CHECK(read_range(*tier->open_body(key_number(2)), 5, 2000) == body_number(2, 1000).substr(5));
    CHECK(tier->open_body(key_number(3)) == nullptr);
}
