#pragma once

#include <string_view>
#include <vector>

#include "transforms/engine/decoders/jpeg_parts.h"

namespace selvage::transforms {

// How far a JPEG is decoded for a result that is `shrink` times smaller than it.
struct JpegScale {
    int eighths;         // libjpeg's scale in the DCT: 8, 4, 2 or 1, for which it has SIMD; 3 and 6 are no faster
    bool smooth_colour;  // halved colour planes are interpolated, not repeated
};
JpegScale scale_for(double shrink);

// The pieces of a progressive stream but for those scans whose absence does not show in a result that is `shrink` times smaller:
// those of frequencies that it cannot hold, and the last bits of the others where their steps are small.
std::vector<std::string_view> pieces_worth_decoding(const JpegParts& parts, double shrink);

}  // namespace selvage::transforms
