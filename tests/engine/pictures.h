#pragma once

#include <catch2/catch.hpp>
#include <vips/vips.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "transforms/dialects/canonical.h"
#include "transforms/engine/engine.h"
#include "transforms/engine/image.h"

// Pictures that a test can describe in one line, made by libvips, and a look at what the engine made of them.

namespace selvage::transforms::test {

// image-urls §3
inline constexpr worker::Limits kLimits{.source_pixels = 50'000'000,
                                        .animation_pixels = 50'000'000,
                                        .output_pixels = 40'000'000,
                                        .animation_output_pixels = 100'000'000,
                                        .upscale_pixels = 24'000'000,
                                        .source_side = 16'384,
                                        .output_side = 8'192,
                                        .upscale = 4,
                                        .frames = 500,
                                        .svg_elements = 50'000,
                                        .svg_bytes = 2'000'000,
                                        .cpu_seconds = 5};

const Engine& engine();  // the process's only one

using Colour = std::array<int, 4>;  // red, green, blue, alpha
inline constexpr Colour kRed{255, 0, 0, 255}, kGreen{0, 255, 0, 255}, kBlue{0, 0, 255, 255}, kYellow{255, 255, 0, 255},
    kWhitePixel{255, 255, 255, 255}, kBlackPixel{0, 0, 0, 255}, kGrey{128, 128, 128, 255}, kNothing{0, 0, 0, 0};

Image solid(int width, int height, Colour colour);             // with an alpha band when the colour is not opaque
Image quadrants(int width, int height);                        // red, green over blue, yellow
Image stored_for_orientation(const Image& upright, int exif);  // what a camera held that way stores, with the tag
Image strip_of(const std::vector<Image>& frames, const std::vector<int>& delays, int loop);
Image with_field(const Image& image, const char* field, const char* value);

// Saved as the suffix says: ".png", ".jpg[Q=95]", ".gif", ".tif", ".webp[lossless]". With all metadata.
std::string saved(const Image& image, const char* suffix);

// What a decoder sees, all frames one below the other.
class Seen {
public:
    explicit Seen(std::string_view bytes);

    int width() const { return image_->Xsize; }
    int height() const { return page_height_; }
    int frames() const { return image_->Ysize / page_height_; }
    int bands() const { return image_->Bands; }
    bool has(const char* field) const { return vips_image_get_typeof(image_, field) != 0; }
    std::string text(const char* field) const;
    int number(const char* field) const;
    std::vector<int> delays() const;
    Colour at(int x, int y, int frame = 0) const;

private:
    Image decoded_;
    VipsImage* image_;
    int page_height_;
};

// How far the worst channel of two colours is apart.
int distance(Colour left, Colour right);

// Through the engine as a URL's query says, "" for the plan that changes nothing.
Result<Output> rendered(std::string_view source, std::string_view query, Format out, const worker::Limits& limits = kLimits);
Seen seen(std::string_view source, std::string_view query, Format out);

}  // namespace selvage::transforms::test
