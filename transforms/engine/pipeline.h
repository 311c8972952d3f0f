#pragma once

#include "transforms/engine/scene.h"

namespace selvage::transforms {

// The two halves of carry_out: to upright sRGB pixels in memory, of the scaled size unless that is larger than the frame, which
// other plans of the same source may begin with; and the rest. Errors: as carry_out.
Result<Image> bring_down(const Image& frame, Scene& scene);
Result<Image> finish(const Image& upright, Scene& scene);

// A frame as it is stored in the source, through every operation of the plan, to sRGB pixels in memory ready to encode.
// Errors: Unprocessable "undecodable" when its pixels cannot be decoded; Internal when an operation fails.
Result<Image> carry_out(const Image& frame, Scene& scene);

}  // namespace selvage::transforms
