#pragma once

#include "cache_store/disk/inspected_file.h"
#include "cache_store/disk/inspection.h"

namespace selvage::cache_store {

// What is known of the store that a segment belongs to.
struct InspectedStore {
    int log = -1;  // the folder
    std::optional<Superblock> superblock;
    bool running = false;
};

// One segment file with what is wrong in it. Nothing: the file is gone. Reads again what changes under its eyes, a few times.
struct SegmentReport {
    InspectedSegment segment;
    std::vector<Finding> findings;
    std::uint64_t blocks = 0;
};
std::optional<SegmentReport> inspect_segment(const InspectedStore& store, std::uint32_t number, Depth depth);

}  // namespace selvage::cache_store
