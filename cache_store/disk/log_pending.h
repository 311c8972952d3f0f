#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "cache_store/disk/record.h"

namespace selvage::cache_store {

// One thing to be written to the log.
struct Waiting {
    RecordType type = RecordType::Object;  // Object, Lifetimes, Tombstone
    Key128 key;
    ObjectPtr object;  // for lifetimes: when it waits too
    Lifetimes lifetimes;
    std::uint64_t ticket = 0;
    std::uint64_t bytes = 0;  // about what it takes
    std::uint8_t hits = 0;    // of an object that is carried forward
    bool carried = false;
};

// What waits to be written, in order, and what of it counts per key. An entry is known by its ticket: what is erased or put again
// while it is written is told by that. Not thread-safe: its owner's mutex guards it.
class Pending {
public:
    struct Entry {
        ObjectPtr object;
        std::uint64_t object_ticket = 0;
        std::optional<Lifetimes> lifetimes;  // for what is on the disk
        std::uint64_t lifetimes_ticket = 0;
    };

    const Entry* find(const Key128& key) const;
    bool takes(std::uint64_t bytes, std::uint64_t limit) const { return bytes_ == 0 || bytes_ + bytes <= limit; }

    void put(const Key128& key, ObjectPtr object);
    void refresh(const Key128& key, const Lifetimes& lifetimes);
    void erase(const Key128& key, bool tombstone);  // what waits of it is written still, but found no more

    // An object that leaves its place on the disk for a new one: found here meanwhile, unless something newer is here. Not in the
    // queue.
    Waiting carry(const Key128& key, ObjectPtr object, std::uint8_t hits);

    // The oldest of what waits, until it is `bytes`.
    std::vector<Waiting> take(std::uint64_t bytes);
    // It is on the disk, or never will be. True when it still counts.
    bool settle(const Waiting& item);

    std::uint64_t oldest_birth() const;               // UINT64_MAX: nothing waits
    std::uint64_t bytes() const { return bytes_; }    // what has not been settled
    std::uint64_t queued() const { return queued_; }  // what has not been taken
    bool empty() const { return queue_.empty(); }

private:
    void push(Waiting item);

    std::unordered_map<Key128, Entry> entries_;
    std::deque<Waiting> queue_;
    std::uint64_t bytes_ = 0, queued_ = 0, tickets_ = 0;
};

std::uint64_t waiting_bytes(const Object& object);
ObjectPtr with_lifetimes(Object object, const Lifetimes& lifetimes);  // the body is shared

}  // namespace selvage::cache_store
