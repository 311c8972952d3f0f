#include "transforms/engine/ops/ops.h"

namespace selvage::transforms {
namespace {

// libvips tells where it cropped by the offset of its result.
Result<Offset> most_interesting(const Image& image, Size window, VipsInteresting measure) {
    const auto width = static_cast<int>(window.width), height = static_cast<int>(window.height);
    const Image cropped = TRY(made("smartcrop", [&](VipsImage** out) {
        return vips_smartcrop(image.get(), out, width, height, "interesting", measure, nullptr);
    }));
    return Offset{-cropped.get()->Xoffset, -cropped.get()->Yoffset};
}

Result<Offset> window_offset(const Image& image, const Scene& scene) {
    const Size window = scene.geometry.window;
    if (scene.plan.gravity == Gravity::Smart) return most_interesting(image, window, VIPS_INTERESTING_ATTENTION);
    if (scene.plan.gravity == Gravity::Entropy) return most_interesting(image, window, VIPS_INTERESTING_ENTROPY);
    return place(scene.plan, window, scene.geometry.scaled);
}

}  // namespace

Result<Image> crop(const Image& image, Scene& scene) {
    const Size window = scene.geometry.window;
    if (window == scene.geometry.scaled) return image;
    if (!scene.window_at) scene.window_at = TRY(window_offset(image, scene));
    const auto width = static_cast<int>(window.width), height = static_cast<int>(window.height);
    return made("crop", [&](VipsImage** out) {
        return vips_extract_area(image.get(), out, scene.window_at->left, scene.window_at->top, width, height, nullptr);
    });
}

}  // namespace selvage::transforms
