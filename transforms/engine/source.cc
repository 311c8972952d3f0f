#include "transforms/engine/source.h"

#include <fmt/format.h>

#include <algorithm>

#include "transforms/engine/drawing.h"

namespace selvage::transforms {
namespace {

Result<void> check_frame(Size size, const worker::Limits& limits) {
    const auto refuse = [&](std::string_view code) {
        return fail(ErrorKind::Unprocessable,
                    fmt::format("{}x{} is above {} pixels or a side of {}", size.width, size.height, limits.source_pixels,
                                limits.source_side),
                    code);
    };
    if (std::max(size.width, size.height) > limits.source_side) return refuse("source_side");
    if (size.area() > limits.source_pixels) return refuse("source_pixels");
    return {};
}

// Before librsvg sees it: it has no limit of its own that is low enough.
Result<void> check_drawing(std::string_view bytes, const worker::Limits& limits) {
    if (bytes.size() > limits.svg_bytes) {
        return fail(ErrorKind::TooLarge, fmt::format("an SVG above {} bytes", limits.svg_bytes), "source_too_large");
    }
    const std::size_t elements = element_count(bytes);
    if (elements <= limits.svg_elements) return {};
    return fail(ErrorKind::Unprocessable, fmt::format("an SVG of {} elements, at most {}", elements, limits.svg_elements),
                "too_many_elements");
}

}  // namespace

Result<Source> Source::open(std::string_view bytes, const worker::Limits& limits) {
    const auto format = sniff(bytes);
    const Loader* loader = format ? loader_of(*format) : nullptr;
    if (loader == nullptr) {
        return fail(ErrorKind::Unsupported, std::string(format ? row_of(*format).name : "not an image"), "unsupported_source");
    }
    if (*format == Format::Svg) TRY(check_drawing(bytes, limits));
    const Header header = TRY(loader->header(bytes));
    TRY(check_frame(header.stored, limits));
    return Source(bytes, *loader, header);
}

Result<void> Source::check_animation(const worker::Limits& limits) const {
    if (frames() > limits.frames) {
        return fail(ErrorKind::Unprocessable, fmt::format("{} frames, at most {}", frames(), limits.frames), "too_many_frames");
    }
    if (frames() * stored().area() > limits.animation_pixels) {
        return fail(ErrorKind::Unprocessable,
                    fmt::format("{} frames of {}x{} are above {} pixels", frames(), stored().width, stored().height,
                                limits.animation_pixels),
                    "animation_pixels");
    }
    return {};
}

Result<Source::Still> Source::still(double wanted) const {
    const double shrink = std::max(1.0, wanted);
    Image pixels = TRY(loader_->load(bytes_, {.shrink = shrink}));
    const Extent covered =
        loader_->covered != nullptr ? loader_->covered(stored(), shrink) : whole_extent({pixels.width(), pixels.height()});
    return Still{.pixels = std::move(pixels), .covered = covered};
}

Result<Image> Source::strip() const { return loader_->load(bytes_, {.all_frames = true}); }

}  // namespace selvage::transforms
