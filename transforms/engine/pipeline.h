#pragma once

#include "transforms/engine/scene.h"

namespace selvage::transforms {

// A frame as it is stored in the source, through every operation of the plan, to sRGB pixels in memory ready to encode.
// Errors: Unprocessable "undecodable" when its pixels cannot be decoded; Internal when an operation fails.
Result<Image> carry_out(const Image& frame, Scene& scene);

}  // namespace selvage::transforms
