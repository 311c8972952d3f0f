#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "cache_store/store.h"

namespace selvage::cache_store {

// The memory that an object takes while it is kept: its bytes and all that surrounds them.
std::uint64_t memory_charge(const Object& object);
std::uint64_t memory_charge(const Object& object, std::uint64_t body_bytes);  // with a body that it does not have yet

// Objects in memory under one byte limit, GDSF with a lazy heap (cache-store.md decision 1). Thread-safe; 64 shards, and before
// them a front per core with what was hit there lately (front.h). A look-up waits for nobody but who holds the same mutex for
// moments; it allocates nothing, but where what was found gets a place in the front.
//
// The charges and what the fronts may take never add up to more than the limit: bytes are reserved before an object is let in. An
// object that somebody still holds, or whose body somebody holds (it is being sent), is not evicted: that would free nothing.
// When too little else could go, what comes is refused. Only set_limit() lets go of what is held.
class MemoryTier {
public:
    // An object may take a 64th of the limit, and no more than kLargestCharge. In a tier of less than 64 MiB that would leave out
    // what makes up most of the bytes (AdaptSize log, 3 MB: byte misses 80.9 % instead of 75.3): there it is an eighth, or 1 MiB.
    static constexpr std::uint64_t kLargestCharge = 16ULL << 20;
    static constexpr std::uint64_t kSmallTierCharge = 1ULL << 20;
    static constexpr std::uint64_t largest_charge(std::uint64_t limit) {
        return std::max(std::min(limit / 64, kLargestCharge), std::min(limit / 8, kSmallTierCharge));
    }

    // What left to make room. For the disk tier, which may want it.
    struct Evicted {
        Key128 key;
        ObjectPtr object;
        std::uint32_t hits = 0;
        Keep keep = Keep::Anywhere;
    };

    // What is known of an object that comes: its hits elsewhere (on the disk), and where it may be kept, told again when it
    // leaves.
    struct Arrival {
        std::uint32_t hits = 0;
        Keep keep = Keep::Anywhere;
    };

    // `now`: for the ages of what is evicted; asked in put() and set_limit() only.
    explicit MemoryTier(std::uint64_t limit, std::function<SteadyTime()> now = std::chrono::steady_clock::now);
    ~MemoryTier();

    // `judged`: up to which purge sequence the object's own tags are known not to concern it; `stale`: what was found then.
    struct Hit {
        ObjectPtr object;
        std::uint64_t judged = 0;
        bool stale = false;
    };
    std::optional<Hit> find(const Key128& key);
    void judged(const Key128& key, const ObjectPtr& object, std::uint64_t sequence, bool stale);  // if it is still that one

    // Replaces what was there under the key, unless that was born later (false).
    // What had to leave is added to `evicted`. False too when it is too large or refused: then nothing is kept under the key.
    bool put(const Key128& key, ObjectPtr object, const Arrival& arrival, std::vector<Evicted>& evicted);
    void erase(const Key128& key);
    void erase_if_same(const Key128& key, const ObjectPtr& object);
    void set_limit(std::uint64_t limit, std::vector<Evicted>& evicted);  // evicts before it returns

    // The keys of highest priority, the highest first.
    std::vector<Key128> hottest(std::size_t most);
    std::uint64_t oldest_birth() const;  // of what is kept; UINT64_MAX: nothing is

    void add_to(MemoryStats& stats) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace selvage::cache_store
