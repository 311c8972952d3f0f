#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "cache_store/memory/memory_tier.h"
#include "cache_store/memory/shard.h"

namespace selvage::cache_store {

// What has been hit on one core lately, before the shards. A hit that is found here writes to cache lines of this core alone: the
// front's mutex, the place, and a reference count that only this front gives out. In a shard a hit writes to three lines that all
// cores want.
//
// Never the truth: whoever changes or evicts an entry withdraws it from all fronts first, with its shard's mutex held (Fronts).
// Sets of four places. Thread-safe.
class alignas(64) Front {
public:
    // A place, its tag, and the block of its count as malloc takes it.
    static constexpr std::uint64_t kBytesEach = 64 + 2 + 48;
    static constexpr std::size_t kWays = 4;

    std::optional<MemoryTier::Hit> find(const Key128& key, std::uint64_t hash, double clock);

    // Hits that the entry of the object does not know of yet.
    struct Uncounted {
        Key128 key;
        ObjectPtr object;
        std::uint32_t hits = 0;
        double clock = 0;
    };
    // Gives the entry, whose shard is locked, a place if it has none, when its set has a free one, or one that has not been hit
    // since others asked for it. What had the place is returned; its object may be freed with it.
    struct Offered {
        bool taken = false;
        Uncounted displaced;
    };
    Offered offer(const Entry& entry, std::uint64_t hash);
    // With the entry's shard locked: frees its place, and gives the entry its hits.
    void withdraw(Entry& entry, std::uint64_t hash);
    void judged(const Entry& entry, std::uint64_t hash);

    std::vector<Uncounted> take_hits();               // of all; the places stay
    std::vector<Uncounted> resize(std::size_t most);  // in places; all are free then
    std::uint64_t hits() const;

private:
    struct alignas(64) Place {
        Key128 key;
        ObjectPtr object;  // with a count of its own, which holds the entry's; null: free
        double clock = 0;  // the tier's when it was used last
        std::uint64_t judged : 56 = 0;
        bool stale : 8 = false;
        std::uint32_t hits = 0;   // since the entry was told
        std::uint32_t worth = 0;  // hits, less what others have asked for the place
    };
    static_assert(sizeof(Place) == 64);

    static constexpr std::size_t kNowhere = SIZE_MAX;

    std::size_t set_of(std::uint64_t hash) const { return (hash >> 24 & set_mask_) * kWays; }  // its first place
    static std::uint16_t tag_of(std::uint64_t hash) { return static_cast<std::uint16_t>(hash | 1); }
    std::size_t find_place(const Key128& key, std::uint64_t hash) const;
    static Uncounted uncounted(Place& place);

    mutable std::mutex mutex_;
    std::uint64_t hits_ = 0;  // in the mutex's line
    std::size_t set_mask_ = 0;
    std::vector<Place> places_;  // those of a set together; none: every look-up misses
    // Of each place, 0 when it is free: what is not here is not looked for in places, which would be in no cache (a first hit
    // takes 0.24 µs without a front, 0.30 with, and 0.34 when it looks into the places).
    std::vector<std::uint16_t> tags_;
};

// One front per core. Which one a thread uses is a matter of speed alone.
class Fronts {
public:
    Fronts();

    // Of the memory's limit, what all of them may take: 0.7 %.
    static std::uint64_t bytes_within(std::uint64_t limit) { return places_within(limit) * Front::kBytesEach; }

    Front& here();
    std::optional<MemoryTier::Hit> find(const Key128& key, std::uint64_t hash, double clock) {
        return here().find(key, hash, clock);
    }
    // As those of a front; the entry remembers which fronts may have it.
    Front::Uncounted offer(Entry& entry, std::uint64_t hash);
    void withdraw(Entry& entry, std::uint64_t hash);
    void judged(const Entry& entry, std::uint64_t hash) { here().judged(entry, hash); }

    std::vector<Front::Uncounted> take_hits();
    std::vector<Front::Uncounted> resize(std::uint64_t limit);
    std::uint64_t hits() const;

private:
    static std::size_t places_within(std::uint64_t limit);

    static constexpr std::size_t kCores = 1024;  // CPU_SETSIZE

    std::array<std::uint16_t, kCores> front_of_{};  // by the core's number
    std::vector<Front> fronts_;
};

}  // namespace selvage::cache_store
