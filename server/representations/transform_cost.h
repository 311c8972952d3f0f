#pragma once

#include <chrono>
#include <cstdint>

#include "transforms/formats.h"

namespace selvage::representations {

// What a picture will cost a worker, roughly, before it is made: for the order of the queue, not for a promise.
//
// `output_pixels`, `source_pixels`: upper bounds, all frames of an animation counted once.
std::chrono::microseconds transform_cost(transforms::Format format, std::uint64_t output_pixels, std::uint64_t source_pixels);

}  // namespace selvage::representations
