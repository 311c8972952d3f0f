#pragma once

#include <cstdint>
#include <vector>

#include "cache_store/disk/log_home.h"

namespace selvage::cache_store {

// What goes on when a segment's place is needed: to be written before anything else.
struct Survivors {
    std::vector<Waiting> records;
    std::uint64_t bytes = 0;
};

// Empties a segment: the best of its objects, by hits · cost / size and less than a quarter of a segment, are read and live on;
// all others leave the index. Only what has been hit since it was written or copied is worth a copy; objects in parts are not
// copied. Blocks.
Survivors evict(LogHome& home, std::uint32_t number);
// Empties it without survivors.
void empty(LogHome& home, std::uint32_t number);

}  // namespace selvage::cache_store
