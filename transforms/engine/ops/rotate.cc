#include "transforms/engine/ops/ops.h"

namespace selvage::transforms {

Result<Image> rotate(const Image& image, Scene& scene) {
    const auto angle = static_cast<VipsAngle>(scene.plan.rotate / 90 % 4);  // VIPS_ANGLE_D0…D270 are quarter turns, clockwise
    if (angle == VIPS_ANGLE_D0) return image;
    return made("rotate", [&](VipsImage** out) { return vips_rot(image.get(), out, angle, nullptr); });
}

}  // namespace selvage::transforms
