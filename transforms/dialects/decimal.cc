#include "transforms/dialects/decimal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace selvage::transforms {
namespace {

constexpr std::size_t kDigits = 4;  // before and after the point

bool all_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<std::uint32_t> parse_whole(std::string_view text) {
    if (!all_digits(text)) return {};
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc::result_out_of_range) return std::numeric_limits<std::uint32_t>::max();
    return number;
}

std::optional<Decimal> parse_decimal(std::string_view text) {
    const auto point = text.find('.');
    const auto whole = text.substr(0, point);
    std::string fraction(point == text.npos ? "0" : text.substr(point + 1));
    if (!all_digits(whole) || whole.size() > kDigits || !all_digits(fraction) || fraction.size() > kDigits) return {};
    fraction.resize(kDigits, '0');
    return Decimal{*parse_whole(whole) * Decimal::kOne + *parse_whole(fraction)};
}

std::string print_decimal(double value) {
    auto text = fmt::format("{:.4f}", value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text;
}

std::uint32_t scaled(std::uint32_t pixels, Decimal factor) {
    const auto product = (std::uint64_t{pixels} * factor.ten_thousandths + Decimal::kOne / 2) / Decimal::kOne;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(product, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace selvage::transforms
