#include "cache_store/memory/recent_keys.h"

#include <algorithm>
#include <utility>

namespace selvage::cache_store {
namespace {

constexpr std::uint64_t kNumber = 0xFFFF;
constexpr std::size_t kLeastKeys = 24;

}  // namespace

std::size_t RecentKeys::Generation::place_of(std::uint64_t hash) const {
    std::size_t place = (hash & UINT32_MAX) * cells.size() >> 32;
    while (cells[place] != 0 && ((cells[place] ^ hash) & ~kNumber) != 0) place = place + 1 == cells.size() ? 0 : place + 1;
    return place;
}

void RecentKeys::remember(std::uint64_t hash, std::uint16_t number) {
    const std::size_t room = std::min(std::max(most_, kLeastKeys), newer_.cells.size() * 3 / 4);
    if (newer_.used >= room) turn();
    auto& cell = newer_.cells[newer_.place_of(hash)];
    newer_.used += cell == 0;
    cell = (hash & ~kNumber) | number;
}

std::uint16_t RecentKeys::recall(std::uint64_t hash) const {
    for (const auto* generation : {&newer_, &older_}) {
        if (generation->used == 0) continue;
        const auto cell = generation->cells[generation->place_of(hash)];
        if (cell != 0) return static_cast<std::uint16_t>(cell & kNumber);
    }
    return 0;
}

void RecentKeys::forget_all() {
    newer_ = {};
    older_ = {};
}

void RecentKeys::turn() {
    std::swap(newer_, older_);
    const std::size_t cells = std::max(most_, kLeastKeys) * 4 / 3;
    if (newer_.cells.size() == cells) {
        std::ranges::fill(newer_.cells, 0);
    } else {
        newer_.cells = std::vector<std::uint64_t>(cells);
    }
    newer_.used = 0;
}

}  // namespace selvage::cache_store
