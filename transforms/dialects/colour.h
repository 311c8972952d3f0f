#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "transforms/plan.h"

namespace selvage::transforms {

// The 148 colour keywords, sorted by name, as 0xRRGGBB. Source: CSS Color 4 §6.1.
extern const std::array<std::pair<std::string_view, std::uint32_t>, 148> kCssColours;

// Hex with 3, 4, 6 or 8 digits in either case, without '#' (the last one or two are alpha), or a colour keyword in lower case.
std::optional<Rgba> parse_colour(std::string_view text);

std::string print_colour(Rgba colour);  // "ffffff", with alpha "ffffff80"

}  // namespace selvage::transforms
