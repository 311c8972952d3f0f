#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "transforms/engine/formats/jpeg_library.h"

namespace selvage::transforms {

// Orders in which a progressive picture's coefficients may be sent; which is smallest depends on the picture. The first bits of
// luma's low frequencies come early in all of them, so that a client has something to show.
inline constexpr std::size_t kProgressions = 3;

std::span<const jpeg_scan_info> progression(std::size_t number);  // number < kProgressions

}  // namespace selvage::transforms
