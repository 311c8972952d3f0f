#include "server/representations/transform_cost.h"

namespace selvage::representations {

namespace {

using transforms::Format;

// Nanoseconds per pixel, which are milliseconds per million of them. Measured on photographs of 10 and 16 Mpx made 200 to 2,400
// wide, effort and quality as by default, on one core of the machine of docs/benchmarks.
constexpr std::uint64_t kPerSourcePixel = 8;
std::uint64_t per_output_pixel(Format format) {
    switch (format) {
        case Format::Webp:
            return 60;
        case Format::Avif:
            return 110;
        case Format::Png:
            return 180;
        case Format::Gif:
            return 200;
        case Format::Jpeg:
        case Format::Tiff:
        case Format::Svg:
        case Format::Heic:
        case Format::Bmp:
        case Format::Jxl:
            break;
    }
    return 40;
}

}  // namespace

std::chrono::microseconds transform_cost(Format format, std::uint64_t output_pixels, std::uint64_t source_pixels) {
    const std::uint64_t nanoseconds = output_pixels * per_output_pixel(format) + source_pixels * kPerSourcePixel;
    return std::chrono::microseconds(nanoseconds / 1000 + 1);
}

}  // namespace selvage::representations
