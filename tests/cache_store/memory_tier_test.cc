#include "cache_store/memory_tier.h"

#include <catch2/catch.hpp>
#include <malloc.h>

#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

Stats stats_of(const MemoryTier& tier) {
    Stats stats;
    tier.add_to(stats);
    return stats;
}

}  // namespace

TEST_CASE("the memory tier finds what was put, and counts") {
    MemoryTier tier(kMiB);
    CHECK(tier.find(key_number(1)) == nullptr);
    const auto object = object_number(1, 100);
    tier.put(key_number(1), object);
    CHECK(tier.find(key_number(1)) == object);
    CHECK(stats_of(tier).memory_hits == 1);
    CHECK(stats_of(tier).memory_misses == 1);
    CHECK(stats_of(tier).memory_objects == 1);

    SECTION("a second put replaces the first, in the account too") {
        const auto other = object_number(2, 5000);
        tier.put(key_number(1), other);
        CHECK(tier.find(key_number(1)) == other);
        CHECK(stats_of(tier).memory_objects == 1);
        CHECK(stats_of(tier).memory_bytes == memory_charge(*other));
    }
    SECTION("erase gives the bytes back; the object lives on for those who hold it") {
        tier.erase(key_number(1));
        CHECK(tier.find(key_number(1)) == nullptr);
        CHECK(stats_of(tier).memory_bytes == 0);
        CHECK(object->body->size() == 100);
    }
    SECTION("nothing is not an object") {
        tier.put(key_number(3), nullptr);
        CHECK(tier.find(key_number(3)) == nullptr);
    }
}

TEST_CASE("the memory limit holds after every put and includes overhead") {
    constexpr std::uint64_t limit = 256 * kKiB;
    MemoryTier tier(limit);
    std::uint64_t most = 0;
    for (std::uint64_t number = 0; number < 3000; ++number) {
        tier.put(key_number(number), object_number(number, number * 37 % 9000));
        most = std::max(most, stats_of(tier).memory_bytes);
    }
    CHECK(most <= limit);
    CHECK(most > limit * 9 / 10);
    CHECK(stats_of(tier).memory_evictions > 0);

    SECTION("objects without a body fill it too") {
        MemoryTier small(64 * kKiB);
        for (std::uint64_t number = 0; number < 10'000; ++number) small.put(key_number(number), object_of("", ""));
        CHECK(stats_of(small).memory_bytes <= 64 * kKiB);
        CHECK(stats_of(small).memory_objects < 64 * kKiB / sizeof(Object));
    }
}

TEST_CASE("what is used least recently leaves first") {
    // Nine objects of about a tenth of the limit: an insertion beyond that evicts one.
    constexpr std::size_t size = 100 * kKiB;
    MemoryTier tier(10 * size);
    const auto check_order = [&tier](auto&& key) {
        for (std::uint64_t number = 0; number < 9; ++number) tier.put(key(number), object_number(number, size));
        REQUIRE(stats_of(tier).memory_evictions == 0);
        REQUIRE(tier.find(key(0)));
        REQUIRE(tier.find(key(1)));

        tier.put(key(100), object_number(100, size));
        tier.put(key(101), object_number(101, size));
        CHECK(tier.find(key(0)));
        CHECK(tier.find(key(1)));
        CHECK_FALSE(tier.find(key(2)));
        CHECK_FALSE(tier.find(key(3)));
        CHECK(tier.find(key(4)));
    };
    SECTION("whatever the keys") { check_order(key_number); }
    SECTION("also when all keys share a shard") {
        check_order([](std::uint64_t number) { return Key128{.high = 0, .low = number}; });
    }
}

TEST_CASE("an object larger than an eighth of memory, or than 16 MiB, is not kept and is counted") {
    MemoryTier tier(kMiB);
    tier.put(key_number(1), object_number(1, 100));
    tier.put(key_number(1), object_number(2, kMiB / 8));
    CHECK(stats_of(tier).rejected == 1);
    CHECK(tier.find(key_number(1)) == nullptr);  // not the older one either

    MemoryTier large(1024 * kMiB);
    large.put(key_number(2), object_number(2, 16 * kMiB));
    CHECK(stats_of(large).rejected == 1);
    CHECK(stats_of(large).memory_bytes == 0);
}

TEST_CASE("a smaller memory limit holds as soon as it is set") {
    MemoryTier tier(kMiB);
    for (std::uint64_t number = 0; number < 100; ++number) tier.put(key_number(number), object_number(number, 8 * kKiB));
    tier.set_limit(100 * kKiB);
    CHECK(stats_of(tier).memory_bytes <= 100 * kKiB);
    CHECK(tier.find(key_number(99)));
    tier.set_limit(0);
    CHECK(stats_of(tier).memory_bytes == 0);
    CHECK(stats_of(tier).memory_objects == 0);
    tier.put(key_number(1), object_number(1, 1));
    CHECK(tier.find(key_number(1)) == nullptr);
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
TEST_CASE("what the memory tier claims is not less than what malloc holds") {
    for (const std::size_t size : {0UL, 20UL, 300UL, 5000UL}) {
        MemoryTier tier(512 * kMiB);
        const auto before = ::mallinfo2().uordblks;
        for (std::uint64_t number = 0; number < 10'000; ++number) tier.put(key_number(number), object_of(std::string(size, 'x')));
        const auto held = ::mallinfo2().uordblks - before;
        INFO("body " << size << ": malloc " << held / 10'000 << ", claimed " << stats_of(tier).memory_bytes / 10'000);
        CHECK(held <= stats_of(tier).memory_bytes);
        CHECK(stats_of(tier).memory_bytes <= held + 10'000 * 300);
    }
}
#endif
