#include "transforms/engine/ops/background.h"
#include "transforms/engine/ops/ops.h"

namespace selvage::transforms {
namespace {

Result<Image> onto_opaque(const Image& image, Rgba colour) {
    const auto background = colour_array(colour, 3);
    return made("flatten",
                [&](VipsImage** out) { return vips_flatten(image.get(), out, "background", background.get(), nullptr); });
}

Result<Image> onto_translucent(const Image& image, Rgba colour) {
    const auto values = colour_array(colour, 4);
    const Image sheet = TRY(made("flatten", [&](VipsImage** out) {
        return vips_linear(image.get(), out, std::array{0.0, 0.0, 0.0, 0.0}.data(), vips_array_double_get(values.get(), nullptr),
                           4, "uchar", TRUE, nullptr);
    }));
    const Image mixed = TRY(made("flatten", [&](VipsImage** out) {
        return vips_composite2(sheet.get(), image.get(), out, VIPS_BLEND_MODE_OVER, nullptr);
    }));
    return made("flatten", [&](VipsImage** out) { return vips_cast(mixed.get(), out, VIPS_FORMAT_UCHAR, nullptr); });
}

}  // namespace

Result<Image> flatten(const Image& image, Scene& scene) {
    if (!image.has_alpha()) return image;
    const Rgba colour = scene.plan.background.value_or(kTransparent);
    if (colour.alpha == 255) return onto_opaque(image, colour);
    Image mixed = colour.alpha == 0 ? image : TRY(onto_translucent(image, colour));
    if (row_of(scene.out).alpha) return mixed;
    return onto_opaque(mixed, kWhite);
}

}  // namespace selvage::transforms
