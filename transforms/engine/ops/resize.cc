#include "transforms/engine/ops/ops.h"
#include "transforms/engine/resize/shrink.h"

namespace selvage::transforms {

Result<Image> shrink(const Image& image, Scene& scene) {
    const Size target = scene.sideways() ? scene.geometry.scaled.transposed() : scene.geometry.scaled;
    if (target.area() > Size{image.width(), image.height()}.area()) return image;
    return shrunk(image, scene.covered, target);
}

// Whatever is left to the scaled size: what was smaller.
Result<Image> enlarge(const Image& image, Scene& scene) {
    return shrunk(image, whole_extent({image.width(), image.height()}), scene.geometry.scaled);
}

}  // namespace selvage::transforms
