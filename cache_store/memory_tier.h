#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <unordered_map>

#include "cache_store/store.h"

namespace selvage::cache_store {

// The memory that an object of this meta and body takes while it is kept: its bytes and all that surrounds them.
std::uint64_t memory_charge(const Object& object);

// Objects in memory, under one byte limit for all shards together. Thread-safe; a look-up takes one shard's mutex, allocates
// nothing and frees nothing.
//
// The charges never add up to more than the limit: bytes are reserved before an object is let in. What leaves is the least
// recently used: exactly so within a shard, and between shards to the nearest insertion.
class MemoryTier {
public:
    // An object may take an eighth of the limit, and no more than this: one object should never empty the tier.
    static constexpr std::uint64_t kLargestCharge = 16ULL << 20;

    explicit MemoryTier(std::uint64_t limit) : limit_(limit) {}
    MemoryTier(const MemoryTier&) = delete;
    MemoryTier& operator=(const MemoryTier&) = delete;

    ObjectPtr find(const Key128& key);
    // Replaces what was there under the key, also when the new object is too large to be kept.
    void put(const Key128& key, ObjectPtr object);
    void erase(const Key128& key);
    void erase_if_same(const Key128& key, const ObjectPtr& object);
    void set_limit(std::uint64_t limit);  // evicts before it returns
    void add_to(Stats& stats) const;      // the memory_ fields, and rejected

private:
    struct Entry {
        Key128 key;
        ObjectPtr object;
        std::uint64_t charge = 0;
        std::uint64_t used_at = 0;  // a value of clock_
    };
    using Order = std::list<Entry>;  // most recently used first

    struct alignas(64) Shard {
        mutable std::mutex mutex;
        Order order;
        std::unordered_map<Key128, Order::iterator> index;
        std::atomic<std::uint64_t> oldest{kNever};  // used_at of the last in order, readable without the mutex
        std::uint64_t hits = 0, misses = 0, evictions = 0;
    };

    static constexpr std::uint64_t kNever = UINT64_MAX;
    // Chosen for a handful of loops, not measured; the successor's 64 were (spec cache-store, decision 9).
    static constexpr std::size_t kShards = 16;

    Shard& shard_of(const Key128& key) { return shards_[key.high % kShards]; }
    bool reserve(std::uint64_t charge);
    void insert(const Key128& key, ObjectPtr object, std::uint64_t charge);
    ObjectPtr take(Shard& shard, Order::iterator entry);  // under the shard's mutex
    void trim();
    bool evict_oldest();
    static void publish_oldest(Shard& shard);

    std::atomic<std::uint64_t> limit_;
    std::atomic<std::uint64_t> used_{0};  // charges of what is kept or reserved
    std::atomic<std::uint64_t> rejected_{0};
    // Advances by two per insertion and is only read by a hit, so that hits on different shards share no written line. Hits count
    // as one later than the insertion before them.
    std::atomic<std::uint64_t> clock_{0};
    std::array<Shard, kShards> shards_;
};

}  // namespace selvage::cache_store
