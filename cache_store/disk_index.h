#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>

#include "base/digest.h"
#include "base/time.h"

namespace selvage::cache_store {

// What the disk tier knows of a file without opening it.
struct DiskEntry {
    Key128 key;
    std::uint64_t charge = 0;      // bytes of disk, a multiple of a block
    std::uint64_t generation = 0;  // differs for every file that was ever published under the key
    SteadyTime touch_after{};      // when a hit should refresh the file's mtime
    bool aside = false;            // a newer version's file: not served, but it takes space and may be evicted
};

// The bytes a file of this size takes on disk: whole blocks of 4096, as most file systems allocate.
constexpr std::uint64_t disk_charge(std::uint64_t bytes) { return (bytes + 4095) / 4096 * 4096; }

// The files of a store in order of use, and the account of their bytes. Not thread-safe: the disk tier's mutex guards it.
//
// used() counts what is published and what is reserved for files being written. reserve() keeps it within the limit.
class DiskIndex {
public:
    explicit DiskIndex(std::uint64_t limit) : limit_(limit) {}

    std::uint64_t limit() const { return limit_; }
    std::uint64_t used() const { return used_; }
    std::size_t size() const { return places_.size(); }
    bool over_limit() const { return used_ > limit_; }
    void set_limit(std::uint64_t limit) { limit_ = limit; }

    bool reserve(std::uint64_t charge);  // false: does not fit now
    void release(std::uint64_t charge);  // reserved, and not used after all

    // A file that was there on opening, used later than all others so far. A key that is known already is replaced.
    void add(const Key128& key, std::uint64_t charge);
    // A file whose charge was reserved is in place; it replaces the one of the same key, whose bytes are free now.
    void publish(const Key128& key, std::uint64_t charge, SteadyTime touch_after);

    const DiskEntry* find(const Key128& key) const;
    void use(const Key128& key, SteadyTime touch_after);  // makes it the most recently used
    void set_aside(const Key128& key, std::uint64_t generation);
    const DiskEntry* oldest() const;
    bool remove(const Key128& key, std::uint64_t generation);  // false: no longer this file

private:
    using Order = std::list<DiskEntry>;  // most recently used first
    void insert(DiskEntry entry);

    Order order_;
    std::unordered_map<Key128, Order::iterator> places_;
    std::uint64_t limit_;
    std::uint64_t used_ = 0;
    std::uint64_t generations_ = 0;
};

}  // namespace selvage::cache_store
