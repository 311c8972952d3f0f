#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "cache_store/memory/key_hash.h"
#include "cache_store/memory/recent_keys.h"
#include "cache_store/memory/slot_table.h"
#include "cache_store/store.h"

namespace selvage::cache_store {

// One object and what is known of it: a cache line.
struct alignas(64) Entry {
    Key128 key;
    ObjectPtr object;               // null: a free slot
    double clock = 0;               // the tier's when it was used last
    std::uint64_t judged : 48 = 0;  // a sequence of purges
    bool stale : 1 = false;
    Keep keep : 7 = Keep::Anywhere;
    std::uint8_t fronts = 0;  // those that may have it (front.h)
    std::uint32_t hits = 0;
    std::uint32_t charge = 0;  // bytes; of a free slot the next one
    std::uint32_t since = 0;   // seconds of steady time when it came
    std::uint16_t bonus = 0;   // added to the hits, in halves: what a first insert counts, or what its ghost knew
    std::uint16_t stamp = 0;   // of its element in the heap

    // GDSF: clock + frequency · (1 + size / 64 KiB) / size. The second term makes a hit worth something for each byte it saves,
    // so that what small objects gain in requests is not lost in bytes. Source: cache-store.md decision 1.
    double priority() const { return clock + (hits + bonus / 2.0) * (1.0 / charge + 1.0 / kBytePrice); }
    static constexpr double kBytePrice = 65536;
};
static_assert(sizeof(Entry) == 64);

// What one mutex guards: entries in slots, a table to find them by key, a heap to find the least. Not thread-safe.
//
// The heap holds lower bounds: a hit changes an entry and not the heap. Elements that are void stay until they come up, or the
// heap's room, for a quarter more elements than there are slots, is used up. References and slots hold until the next add() or
// remove().
class Shard {
public:
    // The elements of the heap: at some time, an entry's priority was that.
    struct Bound {
        double priority = 0;
        std::uint32_t slot = 0;
        std::uint16_t stamp = 0;
    };
    static constexpr double kNothing = std::numeric_limits<double>::infinity();

    Entry* find(const Key128& key, std::uint64_t hash) {
        const auto slot = table_.find(hash, [&](std::uint32_t each) { return entries_[each].key == key; });
        return slot == SlotTable::kNone ? nullptr : &entries_[slot];
    }
    Entry& add(const Key128& key, std::uint64_t hash);  // not there yet; not in the heap before rank()
    ObjectPtr remove(Entry& entry, std::uint64_t hash);

    void rank(Entry& entry);  // a new element of the heap with its present priority; the one it had is void

    double least();  // the least bound, or kNothing
    // The entry of the least bound, taken from the heap: rank() or remove() it. There is one.
    struct Popped {
        Entry& entry;
        double bound;
    };
    Popped pop();

    std::size_t size() const { return size_; }
    const std::vector<Entry>& slots() const { return entries_; }  // free ones included

    RecentKeys ghosts{0};  // frequencies in halves

private:
    bool is_void(const Bound& bound) const;
    void rebuild(std::size_t slots);
    void drop_void_bounds();

    std::vector<Entry> entries_;
    SlotTable table_;
    std::vector<Bound> heap_;  // the least first
    std::size_t size_ = 0;
    std::uint32_t free_ = SlotTable::kNone;
};

}  // namespace selvage::cache_store
