#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "base/fields.h"

namespace selvage {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr auto kSizes = std::to_array<Unit>({
    {"", 1},
    {"B", 1},
    {"KiB", 1ULL << 10},
    {"MiB", 1ULL << 20},
    {"GiB", 1ULL << 30},
    {"TiB", 1ULL << 40},
    {"KB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
});
constexpr auto kDurations = std::to_array<Unit>({
    // in milliseconds, largest first
    {"w", 604'800'000},
    {"d", 86'400'000},
    {"h", 3'600'000},
    {"m", 60'000},
    {"s", 1'000},
    {"ms", 1},
});

constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kFractionDigits = 9;  // 10^9 · 2^40 still fits 128 bits with room; more digits are a typing mistake

struct Split {
    std::string_view whole, fraction, unit;
};

// "1.5GiB" → 1, 5, GiB. Nothing when it does not begin with a digit, or a point stands without digits.
std::optional<Split> split_number(std::string_view text) {
    constexpr std::string_view digits = "0123456789";
    Split split;
    const std::size_t end = std::min(text.find_first_not_of(digits), text.size());
    split.whole = text.substr(0, end);
    split.unit = text.substr(end);
    if (split.whole.empty()) return std::nullopt;
    if (split.unit.starts_with('.')) {
        split.unit.remove_prefix(1);
        const std::size_t point_end = std::min(split.unit.find_first_not_of(digits), split.unit.size());
        split.fraction = split.unit.substr(0, point_end);
        split.unit.remove_prefix(point_end);
        if (split.fraction.empty() || split.fraction.size() > kFractionDigits) return std::nullopt;
    }
    return split;
}

std::optional<std::uint64_t> to_number(std::string_view digits) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size() || number > kMax) return std::nullopt;
    return number;
}

// number × factor, with the fraction rounded down; nothing above 2^63 − 1.
std::optional<std::uint64_t> scale(const Split& split, std::uint64_t factor) {
    __extension__ using Wide = unsigned __int128;
    const auto whole = to_number(split.whole);
    const auto fraction = split.fraction.empty() ? 0 : to_number(split.fraction);
    if (!whole || !fraction) return std::nullopt;
    Wide divisor = 1;
    for (std::size_t i = 0; i < split.fraction.size(); ++i) divisor *= 10;
    const Wide product = Wide{*whole} * factor + Wide{*fraction} * factor / divisor;
    if (product > kMax) return std::nullopt;
    return static_cast<std::uint64_t>(product);
}

std::unexpected<Error> bad_size(std::string_view text) {
    return fail(ErrorKind::BadRequest,
                fmt::format("\"{}\" is not a size; expected a number with B, KiB, MiB, GiB, TiB, KB, MB, GB or TB", text));
}

std::unexpected<Error> bad_duration(std::string_view text) {
    return fail(ErrorKind::BadRequest,
                fmt::format("\"{}\" is not a duration; expected a whole number with ms, s, m, h, d or w", text));
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
    const auto split = split_number(text);
    if (!split) return bad_size(text);
    for (const Unit& unit : kSizes) {
        if (!equals_ignoring_case(unit.name, split->unit)) continue;
        if (unit.factor == 1 && !split->fraction.empty()) return bad_size(text);  // half a byte
        if (const auto bytes = scale(*split, unit.factor)) return *bytes;
        return fail(ErrorKind::BadRequest, fmt::format("\"{}\" is too large; expected less than 2^63 bytes", text));
    }
    return bad_size(text);
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const auto split = split_number(text);
    if (!split || !split->fraction.empty()) return bad_duration(text);
    if (split->unit.empty() && split->whole == "0") return std::chrono::milliseconds{0};
    for (const Unit& unit : kDurations) {
        if (unit.name != split->unit) continue;
        if (const auto count = scale(*split, unit.factor)) return std::chrono::milliseconds{static_cast<std::int64_t>(*count)};
        return fail(ErrorKind::BadRequest, fmt::format("\"{}\" is too long; expected less than 2^63 milliseconds", text));
    }
    return bad_duration(text);
}

std::string format_size(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 5> names = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < names.size()) {
        bytes /= 1024;
        ++unit;
    }
    return fmt::format("{}{}", bytes, names[unit]);
}

std::string format_duration(std::chrono::milliseconds duration) {
    const std::int64_t count = duration.count();
    if (count == 0) return "0s";
    for (const Unit& unit : kDurations) {
        const auto factor = static_cast<std::int64_t>(unit.factor);
        if (count % factor == 0) return fmt::format("{}{}", count / factor, unit.name);
    }
    return fmt::format("{}ms", count);  // not reached: every count is whole milliseconds
}

}  // namespace selvage
