#include "transforms/engine/levels.h"

#include <algorithm>
#include <limits>

#include "transforms/engine/resize/shrink.h"

namespace selvage::transforms {
namespace {

// How much larger than the result a smaller version has to be to be as good a beginning as the whole: at 2 the second filter has
// as much to work with as the one that came before.
constexpr std::uint32_t kEnough = 2;

// What several results are made of stays in memory up to this size; beyond, a version that is just large enough for all.
constexpr std::uint64_t kLargestShared = 64 << 20;

// How much smaller than the source the scaled image is, in the direction that shrinks least.
double shrink_between(Size from, Size to) {
    return std::min(static_cast<double>(from.width) / to.width, static_cast<double>(from.height) / to.height);
}

bool enough_for(Size level, Size scaled) {
    return level == scaled || (level.width >= kEnough * scaled.width && level.height >= kEnough * scaled.height);
}

Size size_of(const Image& image) { return {image.width(), image.height()}; }

}  // namespace

Levels::Levels(const Source& source, std::span<const Size> sizes)
    : source_(source), uses_(sizes.size()), largest_{}, shrink_(std::numeric_limits<double>::max()) {
    for (const Size size : sizes) {
        largest_ = {std::max(largest_.width, size.width), std::max(largest_.height, size.height)};
        shrink_ = std::min(shrink_, shrink_between(source.upright(), size));
    }
}

Result<Levels::Start> Levels::decode() const {
    auto [pixels, covered] = TRY(source_.still(shrink_));
    if (uses_ > 1 && VIPS_IMAGE_SIZEOF_IMAGE(pixels.get()) <= kLargestShared) {
        pixels = TRY(decoded_whole(pixels));
    } else if (uses_ > 1) {
        const Size enough = source_.sideways() ? largest_.transposed() : largest_;
        const Size level{std::min(kEnough * enough.width, pixels.width()), std::min(kEnough * enough.height, pixels.height())};
        pixels = TRY(shrunk(pixels, covered, level));
        covered = whole_extent(level);
    }
    return Start{.pixels = std::move(pixels), .covered = covered, .orientation = source_.orientation()};
}

Result<Levels::Start> Levels::start_for(Size scaled) {
    const Image* best = nullptr;
    for (const Image& level : made_) {
        if (!enough_for(size_of(level), scaled)) continue;
        if (best == nullptr || size_of(level).area() < size_of(*best).area()) best = &level;
    }
    if (best != nullptr) return Start{.pixels = *best, .covered = whole_extent(size_of(*best)), .orientation = 1};
    if (uses_ <= 1) return decode();  // kept by nobody while it is encoded
    if (!decoded_) decoded_ = decode();
    return *decoded_;
}

void Levels::keep(const Image& upright) {
    if (uses_ > 1) made_.push_back(upright);
}

}  // namespace selvage::transforms
