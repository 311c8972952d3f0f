#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace selvage::cache_store {

// Small numbers under the keys that were told lately; what was told long ago is forgotten. For ghosts, and for what asks whether
// a key was seen before.
//
// Two generations of a table: when the newer one is full, the older one goes. 8 bytes a cell, 3/4 of them used when it is full. A
// key is known by 48 bits of its hash and its place: one in some 2^30 look-ups takes one key for another, which costs a wrong
// guess and no more. Not thread-safe.
class RecentKeys {
public:
    // How many keys a generation holds: between `most` and twice that are remembered. Takes effect with the next generation.
    explicit RecentKeys(std::size_t most) : most_(most) {}
    void set_most(std::size_t most) { most_ = most; }

    void remember(std::uint64_t hash, std::uint16_t number);  // number > 0; replaces the one before
    std::uint16_t recall(std::uint64_t hash) const;           // 0: not known
    void forget_all();

    std::size_t size() const { return newer_.used + older_.used; }  // a key that is in both counts twice

private:
    struct Generation {
        std::vector<std::uint64_t> cells;  // hash with its low 16 bits replaced by the number; 0: free
        std::size_t used = 0;
        std::size_t place_of(std::uint64_t hash) const;  // its cell, or the free one where it belongs
    };

    void turn();

    std::size_t most_;
    Generation newer_, older_;
};

}  // namespace selvage::cache_store
