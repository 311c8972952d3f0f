#pragma once

#include <cstdint>

namespace selvage::releases {

// What all roots together have had, for /metrics.
struct Totals {
    std::uint64_t present = 0, gone = 0;                   // long-lived files: that folders have, and that they had
    std::uint64_t copies = 0, bytes = 0;                   // that are kept
    std::uint64_t evicted = 0, broken = 0, no_room = 0;    // of these, since the start (contents.h)
    std::uint64_t removed_found = 0;                       // look-ups that ended with a kept copy
    std::uint64_t half_as_before = 0, half_not_found = 0;  // look-ups that met a file being written, by what was said
};

}  // namespace selvage::releases
