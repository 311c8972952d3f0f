#include "server/handlers/image_variant.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace selvage::handlers {

namespace {

using transforms::Format;
using transforms::ImageEffort;

std::uint64_t scaled(std::uint64_t side, std::uint64_t to, std::uint64_t from) { return from == 0 ? side : side * to / from; }

// An upper bound, before the exact size is known.
std::uint64_t frame_pixels(const transforms::Plan& plan, const transforms::Probe& probe) {
    std::uint64_t width = probe.width;
    std::uint64_t height = probe.height;
    if (plan.rotate == 90 || plan.rotate == 270) std::swap(width, height);
    if (plan.width && plan.height) return std::uint64_t{plan.width} * plan.height;
    if (plan.width && (plan.enlarge || plan.width < width)) return std::uint64_t{plan.width} * scaled(height, plan.width, width);
    if (plan.height && (plan.enlarge || plan.height < height)) {
        return std::uint64_t{plan.height} * scaled(width, plan.height, height);
    }
    return width * height;
}

// No header says how many frames follow; their bytes do, roughly: a pixel of a GIF takes a third of a byte, the other kinds
// are so much better.
std::uint64_t likely_frames(const catalogue::Source& source, unsigned most) {
    const transforms::Probe& probe = *source.image;
    const std::uint64_t pixels = std::max<std::uint64_t>(1, std::uint64_t{probe.width} * probe.height);
    const std::uint64_t pixels_per_byte = probe.format == Format::Gif ? 3 : 15;
    return std::clamp<std::uint64_t>(source.size * pixels_per_byte / pixels, 2, std::max(most, 2U));
}

Format choose(const Located& located, const Variant& variant, transforms::AcceptedFormats accepted) {
    const transforms::Probe& probe = *variant.source->image;
    return transforms::choose_format(variant.order.plan, accepted,
                                     {.format = probe.format, .animated = probe.animated, .alpha = probe.alpha},
                                     located.site->auto_formats);
}

// image-urls §3: a large AVIF takes seconds.
Format without_avif(const Located& located, const Variant& variant) {
    if (!variant.order.plan.auto_format) return Format::Webp;
    auto accepted = variant.accepted;
    accepted.avif = false;
    return choose(located, variant, accepted);
}

// With other limits another picture: what was made under the former ones is not sent any more.
std::string limits_of_enlarging(const transforms::Plan& plan, const config::Image& settings) {
    const config::Image usual;
    const bool as_usual = settings.upscale == usual.upscale && settings.upscale_pixels == usual.upscale_pixels;
    if (!plan.enlarge || as_usual) return {};
    return fmt::format(";up{}x{}", settings.upscale, settings.upscale_pixels);
}

transforms::Order with_effort(transforms::Order order, ImageEffort effort) {
    order.effort = effort;
    return order;
}

}  // namespace

Variant choose_variant(const Located& located, catalogue::SourcePtr source, const transforms::Plan& plan,
                       transforms::AcceptedFormats accepted, const representations::Images& images) {
    const config::Image& settings = located.snapshot->config->image;
    const transforms::Probe probe = *source->image;
    Variant variant;
    variant.source = std::move(source);
    variant.accepted = accepted;
    transforms::Order& order = variant.order;
    order.plan = plan;
    const std::uint64_t frame = frame_pixels(plan, probe);
    order.format = choose(located, variant, accepted);
    variant.above_avif = order.format == Format::Avif && frame > settings.avif_pixels;
    if (variant.above_avif) order.format = without_avif(located, variant);
    order.quality = transforms::effective_quality(plan, order.format, located.site->quality);
    if (plan.target && order.quality != 0) order.target = static_cast<unsigned>(*plan.target);
    variant.recipe = transforms::variant_recipe(plan, order.format, order.quality) + limits_of_enlarging(plan, settings);
    variant.key = images.key(variant.source->content, variant.recipe);
    const bool moves = probe.animated && plan.animated && transforms::row_of(order.format).animation;
    variant.output_pixels = moves ? frame * likely_frames(*variant.source, settings.frames) : frame;
    variant.fast = cost_of(variant, with_effort(order, ImageEffort::Fast)).make;
    variant.improvable =
        !located.bypass() && can_improve(cost_of(variant, with_effort(order, ImageEffort::Best)).total(), settings);
    return variant;
}

representations::TransformCost cost_of(const Variant& variant, const transforms::Order& order) {
    const auto claims = representations::claims_of(*variant.source->image, variant.source->size);
    return representations::transform_cost(claims, order, variant.output_pixels);
}

}  // namespace selvage::handlers
