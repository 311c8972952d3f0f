#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "transforms/engine/formats/pixels.h"

namespace selvage::transforms::quality {

// Numbers in rows, with zeros around them as far as a blur or a vector register may reach.
class Plane {
public:
    Plane() = default;
    Plane(std::size_t width, std::size_t height)
        : width_(width),
          height_(height),
          stride_((width + kSide + kSide + kSide - 1) / kSide * kSide),
          numbers_(stride_ * (height + kAbove + kAbove)) {}

    static constexpr std::size_t kSide = 32;  // twice the widest register and the blur's radius are less
    static constexpr std::ptrdiff_t kAbove = 4;

    std::size_t width() const { return width_; }
    std::size_t height() const { return height_; }
    // −kAbove ≤ y < height + kAbove; from −kSide / 2 to width + kSide / 2 numbers of a row may be read.
    const float* row(std::ptrdiff_t y) const { return numbers_.data() + offset(y); }
    float* row(std::ptrdiff_t y) { return numbers_.data() + offset(y); }

private:
    std::size_t offset(std::ptrdiff_t y) const { return static_cast<std::size_t>(y + kAbove) * stride_ + kSide / 2; }

    std::size_t width_ = 0, height_ = 0, stride_ = 0;
    std::vector<float> numbers_;
};

// The channels of XYB, each moved and stretched to about 0…1: red against green, brightness, blue against brightness.
enum class Channel : std::uint8_t { X, Y, B };
inline constexpr std::size_t kChannels = 3;

// Scale n has 1/2ⁿ of the picture's sides. The metric looks at five, and not at colour where it is fine.
inline constexpr std::size_t kScales = 5;
constexpr bool is_judged(Channel channel, std::size_t scale) {
    return channel == Channel::Y || (channel == Channel::X && scale >= 1) || scale >= 3;
}

// A picture at all scales as the metric sees it: averaged in linear light, then XYB. Only the channels that are judged.
struct Pyramid {
    std::array<std::array<Plane, kChannels>, kScales> planes;

    const Plane& at(Channel channel, std::size_t scale) const { return planes[scale][static_cast<std::size_t>(channel)]; }
};

// `ground`: what shows where the picture does not, 0 (black) … 1 (white), as sRGB encodes it.
Pyramid pyramid_of(const Pixels& pixels, float ground);

}  // namespace selvage::transforms::quality
