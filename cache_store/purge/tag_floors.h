#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cache_store/purge/purge.h"

namespace selvage::cache_store {

// Tag → the floor under what carries it: open addressing, 24 bytes a slot, at most three quarters full. A value.
class TagFloors {
public:
    struct Entry {
        Tag tag{};
        Floor floor;  // never without a number: that is a free slot
        bool used() const { return floor.gone != 0 || floor.stale != 0; }
    };

    TagFloors() = default;
    explicit TagFloors(std::size_t expected);  // has_room() for as many, from empty

    std::size_t size() const { return size_; }
    bool has_room(std::size_t more) const { return (size_ + more) * 4 <= slots_.size() * 3; }
    Floor find(Tag tag) const;
    void raise(Tag tag, Floor floor);  // to the newest of both; has_room(1), and the floor has a number

    template <typename Visit>
    void each(Visit visit) const {
        for (const Entry& slot : slots_) {
            if (slot.used()) visit(slot);
        }
    }

private:
    std::size_t place_of(Tag tag) const;  // where it is, or would be

    std::vector<Entry> slots_;  // a power of two, or none
    std::size_t size_ = 0;
};

}  // namespace selvage::cache_store
