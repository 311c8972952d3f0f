#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace selvage::transforms {

// Image kinds we can name. Output formats are those with can_save.
enum class Format : std::uint8_t { Jpeg, Png, Webp, Avif, Gif, Tiff, Svg, Heic, Bmp, Jxl };

struct FormatRow {
    Format format;
    std::string_view name;        // as in `fm=` and configuration: "jpeg"
    std::string_view media_type;  // "image/jpeg"
    std::string_view extension;   // "jpg"
    bool can_load;
    bool can_save;
    bool alpha;
    bool animation;  // as output
};

// One row per format, in the order of the enum.
extern const std::array<FormatRow, 10> kFormats;

const FormatRow& row_of(Format format);
std::optional<Format> format_named(std::string_view name);  // "jpg" is an alias of "jpeg"
std::optional<Format> format_of_media_type(std::string_view media_type);

// By content, from the first bytes (32 are enough, SVG looks at 1 KiB). Nothing when it is no image we know.
std::optional<Format> sniff(std::string_view head);

}  // namespace selvage::transforms
