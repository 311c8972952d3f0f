#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "transforms/engine/formats/jpeg_library.h"
#include "transforms/engine/formats/pixels.h"

namespace selvage::transforms {

// One component's blocks, in rows, with those that fill up the last unit of 16 × 16 pixels.
struct BlockGrid {
    std::size_t across = 0, down = 0;
    std::vector<std::array<JCOEF, DCTSIZE2>> blocks;  // across × down, coefficients in natural order
};

// A picture as quantised coefficients: luma, and two of chroma at half the size (4:2:0).
using JpegBlocks = std::array<BlockGrid, 3>;

// Colours, transform and quantisation, the last so that bytes are saved where it shows least (jpeg_trellis.h).
// `tables`: steps for luma and chroma, `codes`: what AC symbols cost in bits, for the same two.
struct Quantising {
    std::array<std::array<std::uint16_t, DCTSIZE2>, 2> tables;
    std::array<std::array<std::uint8_t, 256>, 2> codes;
};
JpegBlocks jpeg_blocks(const Pixels& pixels, const Quantising& how);

}  // namespace selvage::transforms
