#pragma once

#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include "tests/engine/quality_pictures.h"

// What a picture should look like, found without the engine: by construction, or by libvips in floating point.

namespace selvage::transforms::test {

template <typename Call>
Image by_libvips(Call&& call) {
    auto image = made("truth", call);
    INFO((image ? "" : image.error().detail));
    REQUIRE(image);
    return *image;
}

inline Image as_bytes(const Image& image) {
    return in_memory(by_libvips([&](VipsImage** out) {
               const Image rounded = by_libvips([&](VipsImage** half) { return vips_rint(image.get(), half, nullptr); });
               return vips_cast(rounded.get(), out, VIPS_FORMAT_UCHAR, nullptr);
           }))
        .value();
}

// How many levels the pixels of two pictures of one size and number of bands are apart, in the mean.
inline double mean_error(const Image& left, const Image& right) {
    const Pixels first = all_pixels(left), second = all_pixels(right);
    REQUIRE(first.size == second.size);
    REQUIRE(first.bands == second.bands);
    double sum = 0;
    const std::size_t count = first.row_bytes() * first.size.height;
    for (std::size_t at = 0; at < count; ++at) sum += std::abs(static_cast<double>(first.data[at]) - second.data[at]);
    return sum / static_cast<double>(count);
}

// The picture upright, in sRGB by its profile, computed in floating point; then at this width. 8 bits only at the end.
inline Image truth_of(std::string_view source, int width) {
    engine();
    Image image = by_libvips([&](VipsImage** out) {
        *out = vips_image_new_from_buffer(source.data(), source.size(), "", nullptr);
        return *out == nullptr ? -1 : 0;
    });
    image = by_libvips([&](VipsImage** out) { return vips_autorot(image.get(), out, nullptr); });
    if (vips_image_get_typeof(image.get(), VIPS_META_ICC_NAME) != 0) {
        image = by_libvips([&](VipsImage** out) {
            return vips_icc_import(image.get(), out, "embedded", TRUE, "pcs", VIPS_PCS_XYZ, "intent", VIPS_INTENT_PERCEPTUAL,
                                   nullptr);
        });
    }
    image = by_libvips([&](VipsImage** out) { return vips_colourspace(image.get(), out, VIPS_INTERPRETATION_sRGB, nullptr); });
    const double scale = static_cast<double>(width) / image.width();
    if (scale < 1) {
        const Image weighted = by_libvips([&](VipsImage** out) {
            return image.has_alpha() ? vips_premultiply(image.get(), out, nullptr)
                                     : vips_cast(image.get(), out, VIPS_FORMAT_FLOAT, nullptr);
        });
        const int height = static_cast<int>(std::lround(image.height() * scale));
        const Image small = by_libvips([&](VipsImage** out) {
            return vips_resize(weighted.get(), out, scale, "vscale", static_cast<double>(height) / image.height(), nullptr);
        });
        image = image.has_alpha() ? by_libvips([&](VipsImage** out) { return vips_unpremultiply(small.get(), out, nullptr); })
                                  : small;
    }
    return as_bytes(image);
}

// sRGB's transfer function, 0…1.
inline double linear_of(double encoded) {
    return encoded <= 0.04045 ? encoded / 12.92 : std::pow((encoded + 0.055) / 1.055, 2.4);
}

using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>;

inline Vector product(const Matrix& matrix, const Vector& vector) {
    Vector out{};
    for (std::size_t row = 0; row < 3; ++row) {
        for (std::size_t column = 0; column < 3; ++column) out[row] += matrix[row][column] * vector[column];
    }
    return out;
}

// Linear sRGB → XYZ under D50, the profiles' connection space (sRGB's primaries, adapted by Bradford's method).
inline constexpr Matrix kXyzOfSrgb{
    {{0.4360747, 0.3850649, 0.1430804}, {0.2225045, 0.7168786, 0.0606169}, {0.0139322, 0.0971045, 0.7141733}}};

// A colour space of three primaries, under D50, and one exponent.
struct Space {
    Matrix from_xyz, to_xyz;
    double gamma;

    // 0…1 of a colour of sRGB with 8 bits.
    Vector encoded(const Colour& srgb) const {
        const auto level = [&](std::size_t band) { return linear_of(srgb[band] / 255.0); };
        Vector out = product(from_xyz, product(kXyzOfSrgb, {level(0), level(1), level(2)}));
        for (double& value : out) value = std::pow(std::fmin(1, std::fmax(0, value)), 1 / gamma);
        return out;
    }
};

// ROMM RGB, ISO 22028-2; its exponent of 1.8 without the straight piece near black.
inline constexpr Space kProPhoto{
    {{{1.3459433, -0.2556075, -0.0511118}, {-0.5445989, 1.5081673, 0.0205351}, {0.0, 0.0, 1.2118128}}},
    {{{0.7976749, 0.1351917, 0.0313534}, {0.2880402, 0.7118741, 0.0000857}, {0.0, 0.0, 0.8252100}}},
    1.8};

// An ICC profile that says so: version 2, three primaries and a curve. Source: ICC.1:2001-04 §6, §9.
std::string profile_of(const Space& space);

}  // namespace selvage::transforms::test
