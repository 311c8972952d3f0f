#include "transforms/dialects/colour.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace selvage::transforms {
namespace {

std::optional<Rgba> parse_hex(std::string_view text) {
    std::string digits(text);
    if (digits.size() == 3 || digits.size() == 4) {  // CSS: each digit stands for two
        digits.clear();
        for (const char digit : text) digits.append(2, digit);
    }
    if (digits.size() == 6) digits += "ff";
    if (digits.size() != 8) return {};
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (error != std::errc{} || end != digits.data() + digits.size()) return {};
    const auto byte = [&](unsigned shift) { return static_cast<std::uint8_t>(number >> shift & 0xFF); };
    return Rgba{byte(24), byte(16), byte(8), byte(0)};
}

}  // namespace

std::optional<Rgba> parse_colour(std::string_view text) {
    const auto* row = std::ranges::lower_bound(kCssColours, text, {}, &std::pair<std::string_view, std::uint32_t>::first);
    if (row == kCssColours.end() || row->first != text) return parse_hex(text);
    const auto byte = [&](unsigned shift) { return static_cast<std::uint8_t>(row->second >> shift & 0xFF); };
    return Rgba{byte(16), byte(8), byte(0), 255};
}

std::string print_colour(Rgba colour) {
    auto text = fmt::format("{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue);
    if (colour.alpha != 255) text += fmt::format("{:02x}", colour.alpha);
    return text;
}

}  // namespace selvage::transforms
