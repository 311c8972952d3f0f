#include "transforms/engine/ops/background.h"
#include "transforms/engine/ops/ops.h"

namespace selvage::transforms {
namespace {

// What the canvas is filled with; opaque when the output has no transparency.
Rgba fill_of(const Scene& scene) {
    const Rgba colour = scene.plan.background.value_or(kTransparent);
    if (row_of(scene.out).alpha || colour.alpha == 255) return colour;
    const auto over_white = [&](std::uint8_t value) {
        return static_cast<std::uint8_t>((value * colour.alpha + 255 * (255 - colour.alpha) + 127) / 255);
    };
    return {over_white(colour.red), over_white(colour.green), over_white(colour.blue), 255};
}

Result<Image> with_alpha(const Image& image) {
    if (image.has_alpha()) return image;
    return made("pad", [&](VipsImage** out) { return vips_addalpha(image.get(), out, nullptr); });
}

}  // namespace

Result<Image> pad(const Image& image, Scene& scene) {
    const Size canvas = output_size(scene.geometry, scene.plan);
    const Size picture{image.width(), image.height()};
    if (picture == canvas) return image;
    const Rgba fill = fill_of(scene);
    const Image carrier = fill.alpha == 255 ? image : TRY(with_alpha(image));
    const Offset at = place(scene.plan, picture, canvas);
    const auto background = colour_array(fill, carrier.bands());
    return made("pad", [&](VipsImage** out) {
        return vips_embed(carrier.get(), out, at.left, at.top, static_cast<int>(canvas.width), static_cast<int>(canvas.height),
                          "extend", VIPS_EXTEND_BACKGROUND, "background", background.get(), nullptr);
    });
}

}  // namespace selvage::transforms
