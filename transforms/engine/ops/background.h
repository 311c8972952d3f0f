#pragma once

#include <array>

#include "transforms/engine/image.h"
#include "transforms/plan.h"

namespace selvage::transforms {

inline constexpr Rgba kWhite{255, 255, 255, 255};
inline constexpr Rgba kTransparent{0, 0, 0, 0};

// The colour as libvips takes it, for an image of 3 or 4 bands.
inline ColourArray colour_array(Rgba colour, int bands) {
    const std::array<double, 4> values{static_cast<double>(colour.red), static_cast<double>(colour.green),
                                       static_cast<double>(colour.blue), static_cast<double>(colour.alpha)};
    return ColourArray(vips_array_double_new(values.data(), bands));
}

}  // namespace selvage::transforms
