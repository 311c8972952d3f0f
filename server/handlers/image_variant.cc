#include "server/handlers/image_variant.h"

#include <utility>

namespace selvage::handlers {

namespace {

using transforms::Format;

std::uint64_t scaled(std::uint64_t side, std::uint64_t to, std::uint64_t from) { return from == 0 ? side : side * to / from; }

// An upper bound, before the exact size is known.
std::uint64_t output_pixels(const transforms::Plan& plan, const transforms::Probe& probe) {
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

}  // namespace

Variant choose_variant(const Located& located, catalogue::SourcePtr source, const transforms::Plan& plan,
                       transforms::AcceptedFormats accepted, const representations::Images& images) {
    const transforms::Probe& probe = *source->image;
    Variant variant;
    variant.accepted = accepted;
    variant.format = transforms::choose_format(
        plan, accepted, {.format = probe.format, .animated = probe.animated, .alpha = probe.alpha}, located.site->auto_formats);
    variant.output_pixels = output_pixels(plan, probe);
    if (variant.format == Format::Avif && variant.output_pixels > located.snapshot->config->image.avif_pixels) {
        variant.format = Format::Webp;  // image-urls §3: a large AVIF takes seconds
    }
    variant.quality = transforms::effective_quality(plan, variant.format, located.site->quality);
    variant.recipe = transforms::variant_recipe(plan, variant.format, variant.quality);
    variant.key = images.key(source->content, variant.recipe);
    variant.source = std::move(source);
    return variant;
}

}  // namespace selvage::handlers
