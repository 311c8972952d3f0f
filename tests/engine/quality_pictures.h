#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>

#include "tests/engine/pictures.h"
#include "transforms/engine/formats/pixels.h"
#include "transforms/engine/quality/ssimulacra2.h"

// Pictures with something to lose, and how much of it an encoding lost.

namespace selvage::transforms::test {

// 8-bit pixels in memory, `at(x, y)` each: a Colour, whose alpha is taken when there are four bands.
template <typename At>
Image painted(int width, int height, int bands, At&& at) {
    engine();
    std::vector<std::uint8_t> bytes;
    bytes.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * static_cast<std::size_t>(bands));
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const Colour colour = at(x, y);
            for (int band = 0; band < bands; ++band) {
                bytes.push_back(static_cast<std::uint8_t>(colour[static_cast<std::size_t>(band)]));
            }
        }
    }
    VipsImage* image = vips_image_new_from_memory_copy(bytes.data(), bytes.size(), width, height, bands, VIPS_FORMAT_UCHAR);
    REQUIRE(image != nullptr);
    image->Type = VIPS_INTERPRETATION_sRGB;
    return Image(image);
}

// Without a state: the same everywhere and always. 0…1.
inline double dust(int x, int y) {
    auto hash = static_cast<std::uint32_t>(x) * 0x9e3779b1U ^ static_cast<std::uint32_t>(y) * 0x85ebca77U;
    hash = (hash ^ (hash >> 15)) * 0x2c1b3c6dU;
    return static_cast<double>((hash ^ (hash >> 13)) & 0xffff) / 65535.0;
}

// Something like a photograph: a sky that is almost even, hills with fine grain, a few hard edges, colours.
inline Colour scenery(int x, int y) {
    const double hill = 90 + 30 * std::sin(x / 37.0) + 12 * std::sin(x / 11.0 + 1);
    const auto level = [](double value) { return static_cast<int>(std::fmin(255, std::fmax(0, value))); };
    if (y < hill) return {level(110 + y * 0.5), level(150 + y * 0.4), level(235 - y * 0.2), 255};
    const double grain = 60 * (dust(x, y) - 0.5) + 25 * std::sin(x / 3.0) * std::sin(y / 4.0);
    if ((x / 24 + y / 24) % 5 == 0) return {level(190 + grain / 3), level(70 + grain / 3), level(50 + grain / 4), 255};
    return {level(85 + grain + 20 * std::sin(y / 19.0)), level(115 + grain), level(60 + grain * 0.7), 255};
}

inline Image scenery_of(int width, int height) { return painted(width, height, 3, scenery); }

// All of an image's pixels, as the metric takes them.
inline Pixels all_pixels(const Image& image) {
    const auto pixels = frame_pixels(image, {image.width(), image.height()});
    REQUIRE(pixels);
    return *pixels;
}

inline double score(const Image& reference, const Image& candidate) {
    const auto score = quality::Reference(all_pixels(reference)).score(all_pixels(candidate));
    INFO((score ? "" : score.error().detail));
    REQUIRE(score);
    return *score;
}

// What libvips decodes, in memory as 8-bit RGB or RGBA: the first frame.
inline Image decoded_pixels(std::string_view bytes) {
    engine();
    const auto lazy = made("decode", [&](VipsImage** out) {
        *out = vips_image_new_from_buffer(bytes.data(), bytes.size(), "", nullptr);
        return *out == nullptr ? -1 : 0;
    });
    INFO((lazy ? "" : lazy.error().detail));
    REQUIRE(lazy);
    const auto colour =
        made("decode", [&](VipsImage** out) { return vips_colourspace(lazy->get(), out, VIPS_INTERPRETATION_sRGB, nullptr); });
    REQUIRE(colour);
    auto pixels = in_memory(*colour);
    REQUIRE(pixels);
    return *pixels;
}

// How much of the picture is left in an encoding of it.
inline double score(const Image& reference, std::string_view encoded) { return score(reference, decoded_pixels(encoded)); }

}  // namespace selvage::transforms::test
