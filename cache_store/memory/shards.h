#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "cache_store/memory/front.h"
#include "cache_store/memory/memory_tier.h"
#include "cache_store/memory/shard.h"

namespace selvage::cache_store {

// The memory tier's policy: objects with a charge in 64 shards, under one byte limit for all of them. What an object is worth
// depends on its charge alone, so that a benchmark can replay sizes without bodies.
//
// Lazy: a hit changes the entry, and its element in the heap stays where it is, a lower bound of its priority. Eviction takes the
// least bound of all shards (each publishes its own); an entry that has risen meanwhile goes back with its true priority. So 64
// heaps evict what one would. Thread-safe: one shard's mutex at a time, within it one front's, and none while an object is freed.
class Shards {
public:
    static constexpr std::size_t kCount = 64;
    // How many held objects a put passes over before it gives up.
    static constexpr std::uint32_t kMostPassedOver = 128;

    explicit Shards(std::uint64_t limit);

    std::optional<MemoryTier::Hit> find(const Key128& key);
    void judged(const Key128& key, const ObjectPtr& object, std::uint64_t sequence, bool stale);

    // `seconds`: of steady time, for the ages of what is evicted. 0 < charge < 4 GiB.
    bool put(const Key128& key, ObjectPtr object, std::uint64_t charge, const MemoryTier::Arrival& arrival, std::uint32_t seconds,
             std::vector<MemoryTier::Evicted>& evicted);
    void erase(const Key128& key);
    void erase_if_same(const Key128& key, const ObjectPtr& object);
    void reject(const Key128& key, std::uint64_t birth);  // counts; what was there under the key goes too, unless born later

    std::uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
    void set_limit(std::uint64_t limit, std::uint32_t seconds, std::vector<MemoryTier::Evicted>& evicted);

    std::vector<Key128> hottest(std::size_t most);
    std::uint64_t oldest_birth() const;

    void add_to(MemoryStats& stats) const;
    std::uint64_t pops() const;  // elements taken from the heaps; over evictions, the price of being lazy

private:
    struct alignas(64) Place {
        mutable std::mutex mutex;
        std::uint64_t hits = 0, misses = 0;  // with the mutex in one cache line, which a hit has to have for itself anyway
        Shard shard;
        std::uint64_t evictions = 0, replaced = 0, pops = 0;
        AgeHistogram evicted_age{};
        FrequencyHistogram evicted_frequency{};
    };
    // One eviction, or the many of a put.
    struct Eviction {
        std::vector<MemoryTier::Evicted>& evicted;
        std::uint32_t seconds;
        bool spare_held = true;
        std::uint32_t passed_over = 0;
    };
    enum class Outcome : std::uint8_t { Evicted, ElsewhereIsLess, GaveUp };

    static std::size_t number_of(std::uint64_t hash) { return hash >> 58; }
    static std::uint64_t room_within(std::uint64_t limit) { return limit - Fronts::bytes_within(limit); }
    bool reserve(std::uint64_t charge, Eviction& eviction);
    bool insert(const Key128& key, ObjectPtr& object, std::uint32_t charge, const MemoryTier::Arrival& arrival,
                std::uint32_t seconds);
    void trim(std::uint32_t seconds, std::vector<MemoryTier::Evicted>& evicted);
    bool evict_one(Eviction& eviction);
    Outcome evict_from(std::size_t number, double below, Eviction& eviction);
    void let_go(Place& place, Entry& entry, Eviction& eviction);
    void raise_clock(double to);
    void credit(const Front::Uncounted& uncounted);
    ObjectPtr remove(Place& place, Entry& entry, std::uint64_t hash);
    void publish(std::size_t number) { least_[number].store(places_[number].shard.least(), std::memory_order_relaxed); }

    alignas(64) std::atomic<std::uint64_t> limit_;
    std::atomic<double> clock_{0};  // the greatest priority that left: what comes or is hit now counts from there
    alignas(64) std::atomic<std::uint64_t> used_{0};
    std::atomic<std::uint64_t> rejected_{0};
    alignas(64) std::array<std::atomic<double>, kCount> least_;  // together, as every eviction reads them all
    std::array<Place, kCount> places_;
    Fronts fronts_;
};

}  // namespace selvage::cache_store
