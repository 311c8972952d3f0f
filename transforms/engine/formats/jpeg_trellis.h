#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "transforms/engine/formats/jpeg_library.h"

namespace selvage::transforms {

// One block's coefficients as whole steps, so that distortion plus bits is least: a coefficient may become smaller, or nothing,
// when that saves more bits than it hurts. Of all ways through the block in zigzag order the cheapest (Viterbi), as mozjpeg does
// it.
//
// `coefficients`: of the transform, natural order, scaled so that a flat block of value v has 8·v as its first. `steps`: the
// table's. `codes`: bits of each AC symbol (run << 4 | size), 0 for none.
void quantise_block(std::span<const float, DCTSIZE2> coefficients, std::span<const std::uint16_t, DCTSIZE2> steps,
                    std::span<const std::uint8_t, 256> codes, std::span<JCOEF, DCTSIZE2> out);

}  // namespace selvage::transforms
