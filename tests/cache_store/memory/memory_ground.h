#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cache_store/memory/memory_tier.h"

// What the tests of the memory tier stand on.
namespace selvage::cache_store::memory_ground {

inline constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB;

// Spread over the shards, as digests are.
inline Key128 key(std::uint64_t number) {
    return {.high = number * 0x9E3779B97F4A7C15ULL, .low = ~number * 0xC2B2AE3D27D4EB4FULL};
}

inline ObjectPtr object(std::size_t bytes, std::uint64_t birth = 0) {
    return std::make_shared<const Object>(
        Object{.meta = "image/avif", .body = make_blob(std::string(bytes, 'x')), .cost_ms = 5, .birth = birth});
}

// A tier, what left it, and a clock that is moved by hand.
struct Ground {
    explicit Ground(std::uint64_t limit) : tier(limit, [this] { return now; }) {}

    SteadyTime now{std::chrono::hours(1000)};
    MemoryTier tier;
    std::vector<MemoryTier::Evicted> evicted;

    bool put(std::uint64_t number, ObjectPtr what, MemoryTier::Arrival arrival = {}) {
        return tier.put(key(number), std::move(what), arrival, evicted);
    }
    bool put(std::uint64_t number, std::size_t bytes) { return put(number, object(bytes)); }
    bool hit(std::uint64_t number) { return tier.find(key(number)).has_value(); }
    // What a cache is asked for: found, or made and put.
    bool ask(std::uint64_t number, std::size_t bytes) { return hit(number) || (put(number, bytes), false); }
    MemoryStats stats() const {
        MemoryStats stats;
        tier.add_to(stats);
        return stats;
    }
};

}  // namespace selvage::cache_store::memory_ground
