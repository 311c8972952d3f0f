#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace selvage::cache_store {

// Hash → slot number, open addressing with linear probing; 8 bytes a cell, at most 3/4 of them used. Equal hashes are told apart
// by the caller's `is_it(slot)`. Not thread-safe.
class SlotTable {
public:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    template <typename IsIt>
    std::uint32_t find(std::uint64_t hash, IsIt is_it) const {
        if (cells_.empty()) return kNone;
        const auto tag = static_cast<std::uint32_t>(hash);
        for (std::size_t place = tag & mask();; place = (place + 1) & mask()) {
            const Cell& cell = cells_[place];
            if (cell.slot == kNone) return kNone;
            if (cell.tag == tag && is_it(cell.slot)) return cell.slot;
        }
    }

    // Room for so many slots; what was there is gone.
    void clear(std::size_t slots) { cells_ = std::vector<Cell>(slots == 0 ? 0 : std::bit_ceil(slots * 4 / 3 + 1)); }

    void add(std::uint64_t hash, std::uint32_t slot) {
        const auto tag = static_cast<std::uint32_t>(hash);
        std::size_t place = tag & mask();
        while (cells_[place].slot != kNone) place = (place + 1) & mask();
        cells_[place] = {.tag = tag, .slot = slot};
    }

    // It is there. What was pushed behind it moves up, so that there are no tombstones.
    void remove(std::uint64_t hash, std::uint32_t slot) {
        std::size_t hole = static_cast<std::uint32_t>(hash) & mask();
        while (cells_[hole].slot != slot) hole = (hole + 1) & mask();
        for (std::size_t place = hole;;) {
            place = (place + 1) & mask();
            if (cells_[place].slot == kNone) break;
            const std::size_t distance_home = (place - cells_[place].tag) & mask();
            if (distance_home < ((place - hole) & mask())) continue;  // would come before its home
            cells_[hole] = cells_[place];
            hole = place;
        }
        cells_[hole] = {};
    }

private:
    struct Cell {
        std::uint32_t tag = 0;
        std::uint32_t slot = kNone;
    };
    std::size_t mask() const { return cells_.size() - 1; }

    std::vector<Cell> cells_;
};

}  // namespace selvage::cache_store
