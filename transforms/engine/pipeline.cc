#include "transforms/engine/pipeline.h"

#include <array>

#include "transforms/engine/ops/ops.h"

namespace selvage::transforms {
namespace {

using Step = Result<Image> (*)(const Image&, Scene&);

// The order of image-urls §1.1 rule 8, seen by the user. In fact a frame is shrunk before it is turned upright, and brought to
// sRGB before it is cropped: the result is the same, and everything after `settle` handles the few pixels of the output, not the
// many of the source. Up to `settle` a step may read its input only once, from top to bottom: it is being decoded.
constexpr auto kPipeline =
    std::to_array<Step>({shrink, to_srgb, settle, orient, enlarge, crop, flip, rotate, blur, flatten, pad});

}  // namespace

Result<Image> carry_out(const Image& frame, Scene& scene) {
    Image image = frame;
    for (const Step step : kPipeline) image = TRY(step(image, scene));
    return in_memory(image);
}

}  // namespace selvage::transforms
