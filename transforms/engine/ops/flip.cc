#include "transforms/engine/ops/ops.h"

namespace selvage::transforms {
namespace {

Result<Image> mirrored(const Image& image, VipsDirection direction) {
    return made("flip", [&](VipsImage** out) { return vips_flip(image.get(), out, direction, nullptr); });
}

}  // namespace

Result<Image> flip(const Image& image, Scene& scene) {
    switch (scene.plan.flip) {
        case Flip::None:
            return image;
        case Flip::Horizontal:
            return mirrored(image, VIPS_DIRECTION_HORIZONTAL);
        case Flip::Vertical:
            return mirrored(image, VIPS_DIRECTION_VERTICAL);
        case Flip::Both:
            return made("flip", [&](VipsImage** out) { return vips_rot180(image.get(), out, nullptr); });
    }
    return image;
}

}  // namespace selvage::transforms
