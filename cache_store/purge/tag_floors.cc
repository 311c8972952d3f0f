#include "cache_store/purge/tag_floors.h"

#include <bit>

namespace selvage::cache_store {

TagFloors::TagFloors(std::size_t expected) {
    if (expected > 0) slots_.resize(std::bit_ceil(expected + expected / 3 + 4));
}

std::size_t TagFloors::place_of(Tag tag) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t place = static_cast<std::size_t>(tag) & mask;  // a tag is a hash
    while (slots_[place].used() && slots_[place].tag != tag) place = (place + 1) & mask;
    return place;
}

Floor TagFloors::find(Tag tag) const {
    if (slots_.empty()) return {};
    return slots_[place_of(tag)].floor;
}

void TagFloors::raise(Tag tag, Floor floor) {
    Entry& slot = slots_[place_of(tag)];
    if (!slot.used()) {
        slot.tag = tag;
        ++size_;
    }
    slot.floor = newest(slot.floor, floor);
}

}  // namespace selvage::cache_store
