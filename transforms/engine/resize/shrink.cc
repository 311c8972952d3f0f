#include "transforms/engine/resize/shrink.h"

#include "transforms/engine/ops/alpha.h"
#include "transforms/engine/resize/shrinker.h"

namespace selvage::transforms {
namespace {

std::unexpected<Error> undecodable(Error& error) {
    return fail(ErrorKind::Unprocessable, std::move(error.detail), "undecodable");
}

// Bytes, and in no direction fewer than wanted: other depths are libvips'.
bool fits_ours(const Image& image, Size target) {
    return image.depth() == VIPS_FORMAT_UCHAR && image.get()->Coding == VIPS_CODING_NONE && image.bands() <= 4 &&
           target.width <= image.width() && target.height <= image.height();
}

Result<Image> by_ours(const Image& image, Extent covered, Size target) {
    Image out = TRY(blank_like(image, static_cast<int>(target.width), static_cast<int>(target.height)));
    const Shrinker::Layout layout{.bands = image.bands(), .weighted = image.has_alpha()};
    Shrinker shrinker({image.width(), image.height()}, covered, target, layout, row_of_pixels(out, 0));
    auto read = for_each_row(image, [&](const std::uint8_t* row) { shrinker.add(row); });
    if (!read) return undecodable(read.error());
    return out;
}

Result<Image> by_libvips(const Image& once, Size target) {
    const Image image = TRY(readable_again(once));
    const double horizontal = static_cast<double>(target.width) / image.width();
    const double vertical = static_cast<double>(target.height) / image.height();
    return with_weighted_colours(image, [&](const Image& in) {
        return made("resize",
                    [&](VipsImage** out) { return vips_resize(in.get(), out, horizontal, "vscale", vertical, nullptr); });
    });
}

}  // namespace

Result<Image> shrunk(const Image& image, Extent covered, Size target) {
    if (target == Size{image.width(), image.height()}) return image;
    return fits_ours(image, target) ? by_ours(image, covered, target) : by_libvips(image, target);
}

Result<Image> decoded_whole(const Image& image) {
    auto pixels = in_memory(image);
    if (!pixels) return undecodable(pixels.error());
    return pixels;
}

}  // namespace selvage::transforms
