#pragma once

#include <cstddef>
#include <cstdint>

namespace selvage::transforms {

// A row of pixels of `bands` bytes, the last one alpha: colours times alpha, and back. What is invisible comes back black.
void weigh_by_alpha(const std::uint8_t* row, std::size_t width, int bands, std::uint8_t* out);
void unweigh_by_alpha(std::uint8_t* row, std::size_t width, int bands);

}  // namespace selvage::transforms
