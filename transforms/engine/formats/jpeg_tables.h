#pragma once

#include <cstdint>

#include "transforms/engine/formats/jpeg_library.h"

namespace selvage::transforms {

// How coefficients become whole numbers: by rounding, or by what they cost (jpeg_trellis.h).
enum class Rounding : std::uint8_t { Nearest, Cheapest };

// The quantisation tables of a quality, 1…100 on libjpeg's scale: the picture scores as it would with the tables of T.81, annex
// K, but the steps are spread over the frequencies as Nicolas Robidoux proposed ("table 3" of mozjpeg), for luma and chroma
// alike.
void set_tables(jpeg_compress_struct& context, unsigned quality, Rounding rounding);

}  // namespace selvage::transforms
