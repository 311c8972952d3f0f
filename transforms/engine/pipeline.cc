#include "transforms/engine/pipeline.h"

#include <array>
#include <span>

#include "transforms/engine/ops/ops.h"

namespace selvage::transforms {
namespace {

using Step = Result<Image> (*)(const Image&, Scene&);

// The order of image-urls §1.1 rule 8, seen by the user. In fact a frame is shrunk before it is turned upright, and brought to
// sRGB before it is cropped: the result is the same, and everything after `settle` handles the few pixels of the output, not the
// many of the source. Up to `settle` a step may read its input only once, from top to bottom: it is being decoded.
constexpr auto kDown = std::to_array<Step>({shrink, to_srgb, settle, orient});
constexpr auto kRest = std::to_array<Step>({enlarge, crop, flip, rotate, blur, flatten, pad});

Result<Image> through(std::span<const Step> steps, const Image& frame, Scene& scene) {
    Image image = frame;
    for (const Step step : steps) image = TRY(step(image, scene));
    return in_memory(image);
}

}  // namespace

Result<Image> bring_down(const Image& frame, Scene& scene) { return through(kDown, frame, scene); }
Result<Image> finish(const Image& upright, Scene& scene) { return through(kRest, upright, scene); }
Result<Image> carry_out(const Image& frame, Scene& scene) { return finish(TRY(bring_down(frame, scene)), scene); }

}  // namespace selvage::transforms
