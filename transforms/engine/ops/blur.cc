#include <algorithm>
#include <cmath>

#include "transforms/engine/ops/alpha.h"
#include "transforms/engine/ops/ops.h"

namespace selvage::transforms {
namespace {

// A wide blur costs its sigma per pixel, and leaves no detail: above this sigma it is made of a smaller image. At 8 the
// difference to the whole computation is below one level of 255.
constexpr double kWidest = 8;

Result<Image> gaussian(const Image& image, double sigma) {
    return made("blur", [&](VipsImage** out) { return vips_gaussblur(image.get(), out, sigma, "min_ampl", 0.1, nullptr); });
}

Result<Image> scaled(const Image& image, double horizontal, double vertical) {
    return made("blur", [&](VipsImage** out) {
        return vips_resize(image.get(), out, horizontal, "vscale", vertical, "kernel", VIPS_KERNEL_LINEAR, nullptr);
    });
}

Result<Image> blurred(const Image& image, double sigma) {
    const double factor = std::min({sigma / kWidest, image.width() / 2.0, image.height() / 2.0});
    if (factor <= 1) return gaussian(image, sigma);
    const Image small = TRY(scaled(image, 1 / factor, 1 / factor));
    const Image soft = TRY(gaussian(small, sigma / factor));
    return scaled(soft, static_cast<double>(image.width()) / soft.width(), static_cast<double>(image.height()) / soft.height());
}

}  // namespace

Result<Image> blur(const Image& image, Scene& scene) {
    if (scene.plan.blur <= 0) return image;
    return with_weighted_colours(image, [&](const Image& in) { return blurred(in, scene.plan.blur); });
}

}  // namespace selvage::transforms
