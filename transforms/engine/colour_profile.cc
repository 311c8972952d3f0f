#include "transforms/engine/colour_profile.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace selvage::transforms {
namespace {

constexpr std::size_t kTagTable = 128;  // after the header: count, then (signature, offset, size) each 4 bytes big-endian
constexpr std::size_t kTagRow = 12;
constexpr std::uint32_t kMostTags = 100;  // real profiles have 10 to 30

std::optional<std::uint32_t> number_at(std::string_view bytes, std::size_t at) {
    if (bytes.size() < 4 || at > bytes.size() - 4) return std::nullopt;
    std::uint32_t value = 0;
    for (const char byte : bytes.substr(at, 4)) value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
}

// Clipped to the bytes that are there.
std::string_view slice(std::string_view bytes, std::size_t offset, std::size_t size) {
    return offset > bytes.size() ? std::string_view() : bytes.substr(offset, size);
}

std::string_view tag(std::string_view icc, std::string_view signature) {
    const std::uint32_t count = std::min(number_at(icc, kTagTable).value_or(0), kMostTags);
    for (std::uint32_t row = 0; row < count; ++row) {
        const std::size_t at = kTagTable + 4 + row * kTagRow;
        if (slice(icc, at, 4) != signature) continue;
        return slice(icc, number_at(icc, at + 4).value_or(0), number_at(icc, at + 8).value_or(0));
    }
    return {};
}

std::string ascii(std::string_view text) {
    std::string printable;
    std::ranges::copy_if(text, std::back_inserter(printable), [](char c) { return c >= ' ' && c <= '~'; });
    return printable;
}

}  // namespace

std::string profile_description(std::string_view icc) {
    const std::string_view description = tag(icc, "desc");
    if (description.starts_with("desc")) return ascii(slice(description, 12, number_at(description, 8).value_or(0)));
    // The first of several languages, in UTF-16: its ASCII half is all that is asked for.
    const auto size = number_at(description, 20), offset = number_at(description, 24);
    if (description.starts_with("mluc") && size && offset) return ascii(slice(description, *offset, *size));
    return {};
}

bool is_srgb_profile(std::string_view icc) {
    const std::string description = profile_description(icc);
    // "Linear sRGB" and "sRGB (linear)" have its primaries but not its curve; "scRGB" does not match.
    return description.find("sRGB") != std::string::npos && description.find("inear") == std::string::npos;
}

}  // namespace selvage::transforms
