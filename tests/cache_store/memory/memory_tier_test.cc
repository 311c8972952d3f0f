#include "cache_store/memory/memory_tier.h"

#include <catch2/catch.hpp>
#include <malloc.h>

#include "tests/cache_store/memory/memory_ground.h"

using namespace selvage;
using namespace selvage::cache_store;
using namespace selvage::cache_store::memory_ground;

TEST_CASE("memory finds what was put, and counts") {
    Ground ground(kMiB);
    CHECK_FALSE(ground.hit(1));
    const auto first = object(100);
    REQUIRE(ground.put(1, first));
    CHECK(ground.tier.find(key(1))->object == first);
    CHECK(ground.stats().hits == 1);
    CHECK(ground.stats().misses == 1);
    CHECK(ground.stats().objects == 1);
    CHECK(ground.stats().bytes == memory_charge(*first));

    SECTION("erase gives the bytes back; the object lives on for those who hold it") {
        ground.tier.erase(key(1));
        CHECK_FALSE(ground.hit(1));
        CHECK(ground.stats().bytes == 0);
        CHECK(first->body->size() == 100);
    }
    SECTION("what has been put anew since is not erased for the one before") {
        ground.put(1, 200);
        ground.tier.erase_if_same(key(1), first);
        CHECK(ground.hit(1));
    }
    SECTION("nothing is not an object") { CHECK_FALSE(ground.put(3, nullptr)); }
}

SCENARIO("an object is replaced, but not by one that was born before it") {
    Ground ground(kMiB);
    const auto young = object(5000, 7);
    REQUIRE(ground.put(1, young));
    CHECK_FALSE(ground.put(1, object(100, 6)));
    CHECK(ground.tier.find(key(1))->object == young);
    CHECK(ground.stats().bytes == memory_charge(*young));
    THEN("a later birth replaces it, in the account too, and so does the same one") {
        const auto later = object(300, 8), again = object(400, 8);
        CHECK(ground.put(1, later));
        CHECK(ground.put(1, again));
        CHECK(ground.tier.find(key(1))->object == again);
        CHECK(ground.stats().bytes == memory_charge(*again));
        CHECK(ground.stats().objects == 1);
        CHECK(ground.stats().replaced == 2);
        CHECK(ground.evicted.empty());
    }
    THEN("nor is it erased by an older one that is too large") {
        CHECK_FALSE(ground.put(1, object(kMiB, 6)));
        CHECK(ground.hit(1));
        CHECK_FALSE(ground.put(1, object(kMiB, 7)));
        CHECK_FALSE(ground.hit(1));
    }
}

SCENARIO("what was found out about an object's tags stays with it, and with it alone") {
    Ground ground(kMiB);
    const auto first = object(100, 3);
    ground.put(1, first);
    CHECK(ground.tier.find(key(1))->judged == 0);
    ground.tier.judged(key(1), first, 12, true);
    CHECK(ground.tier.find(key(1))->judged == 12);
    CHECK(ground.tier.find(key(1))->stale);
    THEN("an older finding does not undo it") {
        ground.tier.judged(key(1), first, 11, false);
        CHECK(ground.tier.find(key(1))->judged == 12);
    }
    THEN("another object begins unjudged, and is not judged by what was found of the first") {
        ground.put(1, object(100, 12));
        ground.tier.judged(key(1), first, 13, true);
        CHECK(ground.tier.find(key(1))->judged == 0);
        CHECK_FALSE(ground.tier.find(key(1))->stale);
    }
}

TEST_CASE("the memory limit holds after every put and includes overhead") {
    constexpr std::uint64_t limit = kMiB;
    Ground ground(limit);
    std::uint64_t most = 0;
    for (std::uint64_t number = 0; number < 5000; ++number) {
        ground.put(number, number * 37 % 9000);
        most = std::max(most, ground.stats().bytes);
    }
    CHECK(most <= limit);
    CHECK(most > limit * 95 / 100);
    CHECK(ground.stats().evictions == ground.evicted.size());
    CHECK(ground.stats().objects + ground.evicted.size() == 5000);

    SECTION("objects without a body fill it too") {
        Ground small(64 * kKiB);
        for (std::uint64_t number = 0; number < 10'000; ++number) small.put(number, std::make_shared<const Object>());
        CHECK(small.stats().bytes <= 64 * kKiB);
        CHECK(small.stats().objects < 64 * kKiB / sizeof(Object));
    }
}

TEST_CASE("an object larger than a 64th of memory, or than 16 MiB, is not kept and is counted") {
    Ground ground(256 * kMiB);
    ground.put(1, 100);
    CHECK_FALSE(ground.put(1, 4 * kMiB));
    CHECK(ground.stats().rejected == 1);
    CHECK_FALSE(ground.hit(1));  // not the older one either
    CHECK(ground.put(1, 4 * kMiB * 7 / 8));

    Ground small(16 * kMiB);  // an eighth up to 1 MiB, so that a small tier has room for what makes up most bytes
    CHECK_FALSE(small.put(1, kMiB));
    CHECK(small.put(1, kMiB * 7 / 8));

    Ground large(2048 * kMiB);
    CHECK_FALSE(large.put(2, 16 * kMiB));
    CHECK(large.put(2, 16 * kMiB - 8192));
    CHECK(large.stats().rejected == 1);
}

TEST_CASE("an object's charge is known before its body is there") {
    for (const std::size_t size : {1UL, 5000UL, 65'535UL, 65'536UL, 100'000UL}) {
        CHECK(memory_charge(*object(0), size) == memory_charge(*object(size)));
    }
}

TEST_CASE("an object's charge has all that is kept for its body") {
    for (const std::size_t size : {5000UL, 65'000UL, 100'000UL}) {
        BlobBuffer record(size + 1000);
        const auto body = record.view().substr(500, size);
        const Object read{.meta = "image/avif", .body = make_blob(std::move(record), body)};
        CHECK(memory_charge(read) == memory_charge(*object(size + 1000)));
    }
}

SCENARIO("what leaves tells the disk tier how it was used") {
    Ground ground(64 * kKiB);
    ground.put(1, object(500), {.hits = 3, .keep = Keep::MemoryOnly});
    ground.put(2, 500);
    ground.hit(2);
    ground.tier.set_limit(0, ground.evicted);
    REQUIRE(ground.evicted.size() == 2);
    const auto& first = ground.evicted[ground.evicted[0].key == key(1) ? 0 : 1];
    const auto& second = ground.evicted[ground.evicted[0].key == key(1) ? 1 : 0];
    CHECK(first.hits == 3);
    CHECK(first.keep == Keep::MemoryOnly);
    CHECK(second.hits == 1);
    CHECK(second.keep == Keep::Anywhere);
    CHECK(second.object->body->size() == 500);
}

SCENARIO("a smaller memory limit holds as soon as it is set") {
    Ground ground(kMiB);
    for (std::uint64_t number = 0; number < 100; ++number) ground.put(number, 8 * kKiB);
    for (int time = 0; time < 3; ++time) ground.hit(99);
    ground.tier.set_limit(100 * kKiB, ground.evicted);
    CHECK(ground.stats().bytes <= 100 * kKiB);
    CHECK(ground.hit(99));
    THEN("zero turns the tier off, and lets go of what is held as well") {
        const auto held = ground.tier.find(key(99));
        ground.tier.set_limit(0, ground.evicted);
        CHECK(ground.stats().bytes == 0);
        CHECK(ground.stats().objects == 0);
        CHECK_FALSE(ground.put(1, 1));
        CHECK(held->object->body->size() == 8 * kKiB);
    }
    THEN("a larger one is filled") {
        ground.tier.set_limit(kMiB, ground.evicted);
        for (std::uint64_t number = 0; number < 50; ++number) ground.put(number, 8 * kKiB);
        CHECK(ground.stats().bytes > 400 * kKiB);
    }
}

TEST_CASE("ages and hits of what was evicted are counted in their buckets") {
    Ground ground(64 * kKiB);
    ground.put(1, 100);
    ground.now += std::chrono::seconds(9);
    ground.put(2, 100);
    for (int time = 0; time < 5; ++time) ground.hit(2);
    ground.now += std::chrono::seconds(1);
    ground.tier.set_limit(0, ground.evicted);
    const auto stats = ground.stats();
    CHECK(stats.evicted_age[0] == 1);        // below 10 s
    CHECK(stats.evicted_age[1] == 1);        // 10 to 60 s
    CHECK(stats.evicted_frequency[0] == 1);  // none
    CHECK(stats.evicted_frequency[3] == 1);  // 4 to 7
}

TEST_CASE("the oldest birth is that of what is kept now") {
    Ground ground(kMiB);
    CHECK(ground.tier.oldest_birth() == UINT64_MAX);
    ground.put(1, object(10, 5));
    ground.put(2, object(10, 9));
    CHECK(ground.tier.oldest_birth() == 5);
    ground.tier.erase(key(1));
    CHECK(ground.tier.oldest_birth() == 9);
}

// The sanitizers bring their own malloc. g++ tells by a macro, clang by a feature.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SELVAGE_FOREIGN_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SELVAGE_FOREIGN_MALLOC 1
#endif
#endif
#if defined(__GLIBC__) && !defined(SELVAGE_FOREIGN_MALLOC)
TEST_CASE("what the memory tier claims is not less than malloc holds, and not much more") {
    for (const std::size_t size : {0UL, 20UL, 300UL, 5000UL, 70'000UL}) {
        const std::uint64_t objects = size > 10'000 ? 1000 : 20'000;
        const auto held_now = [] {
            const auto account = ::mallinfo2();
            return account.uordblks + account.hblkhd;
        };
        Ground ground(512 * kMiB);
        const auto before = held_now();
        for (std::uint64_t number = 0; number < objects; ++number) {
            ground.put(number, std::make_shared<const Object>(Object{.meta = std::string(100, 'm'),
                                                                     .body = make_blob(std::string(size, 'x')),
                                                                     .tags = std::vector<Tag>(3)}));
        }
        const auto pages = size >= Blob::kPagesFrom ? (size + 4095) / 4096 * 4096 : 0;  // not malloc's
        const auto held = (held_now() - before) / objects + pages;
        const auto claimed = ground.stats().bytes / objects;
        INFO("body " << size << ": held " << held << ", claimed " << claimed);
        CHECK(held <= claimed);
        CHECK(claimed <= held * 11 / 10 + 160);  // a tenth for holes
    }
}
#endif
