#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/digest.h"

namespace selvage::cache_store {

// Where a record is, and what is needed to judge it without reading it.
struct Location {
    std::uint32_t segment = 0;  // below 2048
    std::uint64_t offset = 0;   // bytes, a multiple of 8, below 4 GiB
    std::uint32_t length = 0;  // of the record: at least, rounded up to the next 512 B; below 2 MiB (more is kept as 2 MiB - 512)
    std::uint8_t cost_log = 0;  // 0–31
    std::uint8_t hits = 0;      // 0–7, saturating, halved when it is copied forward
    bool part = false;          // of an object, not an object itself
    bool lifetimes = false;     // a record of new lifetimes exists under lifetimes_key(key)
};

// Key → place on the disk, in 16 bytes per slot of one allocation that never grows: at its bound it refuses (count it). A slot
// knows 64 bits of its key: among 2^25 objects there are two that cannot be told apart in one store of 2^15. They share one slot,
// the later one's, and the record itself then tells (R4: the index may lose, never invent).
//
// Robin Hood hashing: a slot never lies farther from its place than the one that looks for room there, so that a look-up in a
// table that is 7/8 full ends after four or five slots, a miss too, and an erased slot leaves no mark. 18.3 B per object at the
// bound.
//
// Not thread-safe: its owner's mutex guards it. Never blocks, never allocates after construction.
class Index {
public:
    // Filled to 7/8 of `slots`. Memory is touched as it is used; when there is none, no slots: everything is refused.
    explicit Index(std::size_t slots);

    std::optional<Location> find(const Key128& key) const;
    std::optional<Location> hit(const Key128& key);  // find, and count it
    // Replaces what was there for the key. False: full. `before`: what it replaced.
    bool insert(const Key128& key, const Location& location, std::optional<Location>* before = nullptr);
    // Only when it is what is expected to be there.
    bool erase(const Key128& key, std::uint32_t segment, std::uint64_t offset);
    bool erase(const Key128& key);

    std::size_t size() const;
    std::size_t slots() const;
    std::size_t bytes() const;
    std::size_t capacity() const;  // how many it takes

    // How many slots a disk of this many bytes deserves: one per 4 KiB up to 2^20, then one per 16 KiB, at most 2^26.
    static std::size_t slots_for(std::uint64_t disk_bytes);

private:
    struct Slot;
    std::unique_ptr<Slot[], void (*)(void*)> table_;
    std::size_t slots_ = 0;
    std::size_t used_ = 0;
};

}  // namespace selvage::cache_store
