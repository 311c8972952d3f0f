#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace selvage::transforms {

// A number of an image URL in ten-thousandths: exact, so that "0.30" and "0.3" are one variant and dpr rounds as written.
//
// Grammar (image-urls §1.1 rule 4): \d{1,4}(\.\d{1,4})?  No sign, no exponent; at most 9999.9999.
struct Decimal {
    static constexpr std::uint32_t kOne = 10'000;
    std::uint32_t ten_thousandths = 0;

    double value() const { return ten_thousandths / double{kOne}; }
    friend auto operator<=>(const Decimal&, const Decimal&) = default;
};

constexpr Decimal operator""_dec(unsigned long long whole) { return {static_cast<std::uint32_t>(whole) * Decimal::kOne}; }
constexpr Decimal operator""_dec(long double number) {
    return {static_cast<std::uint32_t>(number * Decimal::kOne + 0.5L)};  // literals of our own tables only
}

std::optional<Decimal> parse_decimal(std::string_view text);

// Digits only. Saturates at 2^32-1: "too large" is for the caller to say. Nothing when it is no number.
std::optional<std::uint32_t> parse_whole(std::string_view text);

// The nearest decimal of a value in 0…9999.9999, without trailing zeros: "0.3", "12".
std::string print_decimal(double value);

// pixels × factor, half a pixel rounds up (image-urls §1.1 rule 6). Saturates at 2^32-1.
std::uint32_t scaled(std::uint32_t pixels, Decimal factor);

}  // namespace selvage::transforms
