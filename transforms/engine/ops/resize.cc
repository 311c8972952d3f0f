#include "transforms/engine/ops/alpha.h"
#include "transforms/engine/ops/ops.h"

namespace selvage::transforms {
namespace {

Result<Image> resized(const Image& image, Size target) {
    if (Size{image.width(), image.height()} == target) return image;
    const double horizontal = static_cast<double>(target.width) / image.width();
    const double vertical = static_cast<double>(target.height) / image.height();
    return with_weighted_colours(image, [&](const Image& in) {
        return made("resize",
                    [&](VipsImage** out) { return vips_resize(in.get(), out, horizontal, "vscale", vertical, nullptr); });
    });
}

}  // namespace

Result<Image> shrink(const Image& image, Scene& scene) {
    const Size target = scene.sideways() ? scene.geometry.scaled.transposed() : scene.geometry.scaled;
    if (target.area() > Size{image.width(), image.height()}.area()) return image;
    return resized(image, target);
}

Result<Image> enlarge(const Image& image, Scene& scene) { return resized(image, scene.geometry.scaled); }

}  // namespace selvage::transforms
