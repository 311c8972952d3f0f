#include "transforms/engine/source.h"

#include <fmt/format.h>

#include <algorithm>

namespace selvage::transforms {
namespace {

Result<void> check_frame(Size size, const worker::Limits& limits) {
    if (size.area() <= limits.source_pixels && std::max(size.width, size.height) <= limits.source_side) return {};
    return fail(ErrorKind::Unprocessable,
                fmt::format("{}x{} is above {} pixels or a side of {}", size.width, size.height, limits.source_pixels,
                            limits.source_side),
                "source_pixels");
}

}  // namespace

Source::Source(std::string_view bytes, const Loader& loader, Image header)
    : bytes_(bytes),
      loader_(&loader),
      header_(std::move(header)),
      stored_{header_.width(), header_.height()},
      orientation_(std::clamp(vips_image_get_orientation(header_.get()), 1, 8)),
      frames_(static_cast<std::uint32_t>(std::max(1, vips_image_get_n_pages(header_.get())))) {}

Result<Source> Source::open(std::string_view bytes, const worker::Limits& limits) {
    const auto format = sniff(bytes);
    const Loader* loader = format ? loader_of(*format) : nullptr;
    if (loader == nullptr) {
        return fail(ErrorKind::Unsupported, std::string(format ? row_of(*format).name : "not an image"), "unsupported_source");
    }
    Source source(bytes, *loader, TRY(loader->load(bytes, {})));
    TRY(check_frame(source.stored_, limits));
    return source;
}

Result<void> Source::check_animation(const worker::Limits& limits) const {
    if (frames_ > limits.frames) {
        return fail(ErrorKind::Unprocessable, fmt::format("{} frames, at most {}", frames_, limits.frames), "too_many_frames");
    }
    if (frames_ * stored_.area() > limits.animation_pixels) {
        return fail(ErrorKind::Unprocessable,
                    fmt::format("{} frames of {}x{} are above {} pixels", frames_, stored_.width, stored_.height,
                                limits.animation_pixels),
                    "source_pixels");
    }
    return {};
}

Result<Image> Source::still(double shrink) const {
    const double possible = loader_->shrink(shrink);
    if (possible <= 1) return header_;
    return loader_->load(bytes_, {.shrink = possible});
}

Result<Image> Source::strip() const { return loader_->load(bytes_, {.all_frames = true}); }

}  // namespace selvage::transforms
