#include "server/representations/mezzanine.h"

#include <algorithm>

namespace selvage::representations {

namespace {

using transforms::Fit;
using transforms::Format;

constexpr std::uint32_t kSide = 2048;
constexpr unsigned kQuality = 92;

// From where on a variant costs at least a tenth less when it is made of a mezzanine (README, 2026-11-21): a JPEG in one scan is
// decoded at any size for little more than reading it, one in several scans is not, and the other formats only as a whole.
std::uint64_t dear_pixels(const transforms::Probe& probe) {
    if (probe.format != Format::Jpeg) return 3'000'000;
    return probe.progressive ? 5'000'000 : 10'000'000;
}

// How much larger than what is made of it a mezzanine must be, for no score to fall by more than one point; what is to be encoded
// with little loss shows its losses sooner.
double least_shrink(const transforms::Plan& plan) {
    const bool demanding = (plan.quality && *plan.quality >= 90) || plan.target == transforms::Target::Best;
    return demanding ? 2 : 1.25;
}

bool can_be_jpeg(Format format) {
    switch (format) {
        case Format::Jpeg:
        case Format::Png:
        case Format::Webp:
        case Format::Avif:
        case Format::Tiff:
        case Format::Heic:
        case Format::Bmp:
        case Format::Jxl:
            return true;
        case Format::Gif:
        case Format::Svg:
            break;
    }
    return false;
}

// Of the original, at most: an upper bound of what the engine's geometry gives.
double scale_of(const transforms::Plan& plan, transforms::Original original) {
    double horizontal = plan.width == 0 ? 0 : static_cast<double>(plan.width) / original.width;
    double vertical = plan.height == 0 ? 0 : static_cast<double>(plan.height) / original.height;
    if (plan.width == 0) horizontal = plan.height == 0 ? 1 : vertical;
    if (plan.height == 0) vertical = horizontal;
    const bool within = plan.fit == Fit::Inside || plan.fit == Fit::Pad;
    const double scale = within ? std::min(horizontal, vertical) : std::max(horizontal, vertical);
    return plan.enlarge ? scale : std::min(scale, 1.0);
}

}  // namespace

transforms::Order mezzanine_order() {
    transforms::Order order;
    order.plan.width = kSide;
    order.plan.height = kSide;
    order.format = Format::Jpeg;
    order.quality = kQuality;
    order.effort = transforms::ImageEffort::Usual;  // one scan: it will be decoded more often than it is made
    order.full_chroma = true;
    return order;
}

Key128 mezzanine_key(const Sha256& content, std::string_view epoch) { return key_of({as_text(content), "mezzanine", epoch}); }

std::uint64_t mezzanine_pixels(transforms::Original original) {
    const std::uint64_t longest = std::max(original.width, original.height);
    return std::uint64_t{kSide} * original.width / longest * kSide * original.height / longest;
}

bool deserves_mezzanine(const transforms::Probe& probe) {
    return can_be_jpeg(probe.format) && !probe.alpha && !probe.animated && std::max(probe.width, probe.height) > kSide &&
           std::uint64_t{probe.width} * probe.height > dear_pixels(probe);
}

bool can_stand_in(transforms::Original original, const transforms::Order& order) {
    const double reduced = static_cast<double>(kSide) / std::max(original.width, original.height);
    return order.quality != 0 && scale_of(order.plan, original) * least_shrink(order.plan) <= reduced;
}

bool may_stand_in(const transforms::Probe& probe, const transforms::Order& order) {
    return can_stand_in({probe.width, probe.height}, order) || can_stand_in({probe.height, probe.width}, order);
}

void MezzanineTiming::made(const Sha256& content, const Key128& variant, SteadyTime now) {
    if (seen_.find(content, now) == nullptr) seen_.find_or_add(content, now).variant = variant;
}

bool MezzanineTiming::due(const Sha256& content, const Key128& variant, SteadyTime now) {
    Seen* seen = seen_.find(content, now);
    if (seen == nullptr || seen->asked || seen->variant == variant) return false;
    seen->asked = true;
    return true;
}

}  // namespace selvage::representations
