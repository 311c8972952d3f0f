#include "server/representations/transform_cost.h"

#include <algorithm>

namespace selvage::representations {

namespace {

using transforms::Format;
using transforms::ImageEffort;

// The numbers are nanoseconds of CPU per pixel or per byte, from 541 jobs of 15 pictures (photographs of 2 to 16 megapixels, six
// of them progressive; PNG, WebP, AVIF, an ink one), made 160 to 1,920 wide in all formats and efforts by this worker on one core
// of the machine of docs/benchmarks. The first fit was 0.96 of the truth in the median, within 0.64 and 1.23 for eight of ten;
// then progressive JPEG, GIF, alpha and AVIF at speed 9 became cheaper and were adjusted singly. What it does not see: 16 bits,
// ink (a third of the truth), how busy the picture is.

// JPEG: the entropy decoder counts bytes, the rest pixels. A progressive one is decoded in part when it is made much smaller.
double decode_jpeg(const SourceClaims& source, double output_pixels) {
    const auto bytes = static_cast<double>(source.bytes), pixels = static_cast<double>(source.pixels);
    if (!source.progressive) return 8.5 * bytes + 1.2 * pixels + 3 * output_pixels;
    constexpr double kInPart = 4 * 4;  // so many times fewer pixels
    return (pixels > kInPart * output_pixels ? 8 * bytes + 1.8 * pixels : 31 * bytes + 3.4 * pixels) + 6 * output_pixels;
}

double decode(const SourceClaims& source, double output_pixels) {
    const auto pixels = static_cast<double>(source.pixels);
    switch (source.format) {
        case Format::Jpeg:
            return decode_jpeg(source, std::min(output_pixels, pixels));
        case Format::Png:
        case Format::Bmp:
            return 6 * pixels;
        case Format::Webp:
            return 20 * pixels;
        case Format::Avif:
        case Format::Heic:
            return 25 * pixels;
        case Format::Jxl:
            return 40 * pixels;
        case Format::Gif:
        case Format::Tiff:
        case Format::Svg:
            break;
    }
    return 10 * pixels;
}

// With its resizing.
double make(Format format, ImageEffort effort, double pixels) {
    switch (format) {
        case Format::Webp:
            if (effort == ImageEffort::Best) return 200 * pixels;
            return (effort == ImageEffort::Fast || pixels > 900'000 ? 45 : 95) * pixels;
        case Format::Avif:
            if (effort == ImageEffort::Best) return 480 * pixels;
            return (effort == ImageEffort::Fast || pixels > 800'000 ? 45 : 180) * pixels;
        case Format::Png:
            return 95 * pixels;
        case Format::Gif:
            return 60e6 + 400 * pixels;
        case Format::Jpeg:
        case Format::Tiff:
        case Format::Svg:
        case Format::Heic:
        case Format::Bmp:
        case Format::Jxl:
            break;
    }
    return (effort == ImageEffort::Best ? 25 : 17) * pixels;
}

// `q=auto` encodes twice more, and compares each time: 0.1 ms per thousand pixels (image-engine §5).
double search(double encoding, double pixels) { return 2 * encoding + 3 * 100 * pixels; }

// Bytes: the process itself; what is decoded, of which a progressive JPEG keeps all coefficients; what is made smaller, up to
// five times the output's pixels; and the output with the encoder's planes.
double memory(const SourceClaims& source, Format format, double output_pixels) {
    constexpr double kOwn = 50e6;  // 41 MB after its start, and what codecs need for any picture
    const auto pixels = static_cast<double>(source.pixels);
    double held = 8 * pixels;
    if (source.format == Format::Jpeg) held = (source.progressive ? 4.5 : 1) * pixels;
    if (source.format == Format::Png) held = 3 * pixels;
    const double bands = source.alpha ? 8 : 3;
    const double planes = format == Format::Avif || format == Format::Gif ? 26 : 12;
    return kOwn + static_cast<double>(source.bytes) + held + bands * std::min(pixels, 5 * output_pixels) + planes * output_pixels;
}

}  // namespace

SourceClaims claims_of(const transforms::Probe& probe, std::uint64_t bytes) {
    return {.format = probe.format,
            .pixels = std::uint64_t{probe.width} * probe.height,
            .bytes = bytes,
            .progressive = probe.progressive,
            .alpha = probe.alpha};
}

TransformCost transform_cost(const SourceClaims& source, const transforms::Order& order, std::uint64_t output_pixels) {
    constexpr double kEach = 1e6;  // whatever its size
    const auto pixels = static_cast<double>(output_pixels);
    double making = make(order.format, order.effort, pixels) * (source.alpha ? 1.6 : 1);
    if (order.target != 0) making += search(making, pixels);
    const auto as_time = [](double nanoseconds) {
        return std::chrono::microseconds(static_cast<std::int64_t>(std::min(nanoseconds / 1000, 1e12)));
    };
    return {.decode = as_time(decode(source, pixels)),
            .make = as_time(making + kEach),
            .memory = static_cast<std::uint64_t>(std::min(memory(source, order.format, pixels), 1e15))};
}

}  // namespace selvage::representations
