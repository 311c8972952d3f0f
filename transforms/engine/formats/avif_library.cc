#include "transforms/engine/formats/avif_library.h"

#include <algorithm>

#include "transforms/engine/formats/quality_points.h"
#include "transforms/engine/metadata.h"

namespace selvage::transforms {
namespace {

std::unexpected<Error> out_of_memory() { return fail(ErrorKind::Internal, "avif: out of memory", "operation_failed"); }

// libaom 3.6 on two megapixel pictures takes 0.19 µs per pixel at speed 8, 0.05 at speed 9 (image-engine §3). Somebody who waits
// is to have the first bytes in 150 ms (image-urls §3).
constexpr std::uint64_t kLargestAtSpeed8 = 800'000;

int speed_of(ImageEffort effort, Size frame) {
    switch (effort) {
        case ImageEffort::Fast:
            return 9;
        case ImageEffort::Usual:
            return frame.area() <= kLargestAtSpeed8 ? 8 : 9;
        case ImageEffort::Best:
            return 6;
    }
    return 9;
}

// At speed 9 libaom decides little by itself: quantisation matrices, which spend less on what the eye does not resolve, save 8 %
// of the bytes at equal score (SSIMULACRA2 70 and 80, six photographs, 640 px) and no time. At speed 8 and 6 they gain nothing.
bool with_matrices(int speed) { return speed >= 9; }

// What the same quality looks like is to be the same at every speed: speed 9's without matrices, as measured above. With matrices
// it takes more of it; a slower encoder makes a better picture of the same quality, and is to make a smaller one instead.
constexpr QualityPoint kWithMatrices[] = {{1, 1}, {32, 32}, {45, 46}, {56, 58}, {66, 72}, {75, 82}, {84, 90}, {100, 100}};
constexpr QualityPoint kAtSpeed6[] = {{1, 1}, {20, 15}, {45, 40}, {55, 51}, {65, 61}, {75, 72}, {85, 83}, {100, 100}};

unsigned quality_at(int speed, unsigned quality) {
    if (with_matrices(speed)) return interpolated(kWithMatrices, quality);
    return speed <= 6 ? interpolated(kAtSpeed6, quality) : quality;  // speed 8 is within a point
}

// Quality is libheif's scale, which libvips and sharp have, too: 1…100 over libaom's levels of constant quality, 63…0.
std::string level_of(unsigned quality) { return std::to_string(((100 - quality) * AVIF_QUANTIZER_WORST_QUALITY + 50) / 100); }

}  // namespace

Result<void> avif_succeeded(avifResult result, const avifEncoder* encoder) {
    if (result == AVIF_RESULT_OK) return {};
    std::string detail = std::string("avif: ") + avifResultToString(result);
    if (encoder != nullptr && encoder->diag.error[0] != '\0') detail.append(", ").append(encoder->diag.error);
    return fail(ErrorKind::Internal, std::move(detail), "operation_failed");
}

Result<AvifEncoder> avif_encoder(const EncodeOptions& options) {
    AvifEncoder encoder(avifEncoderCreate());
    if (!encoder) return out_of_memory();
    encoder->codecChoice = AVIF_CODEC_CHOICE_AOM;
    encoder->maxThreads = 1;
    encoder->speed = speed_of(options.effort, options.frame);
    encoder->minQuantizer = encoder->minQuantizerAlpha = AVIF_QUANTIZER_BEST_QUALITY;
    encoder->maxQuantizer = encoder->maxQuantizerAlpha = AVIF_QUANTIZER_WORST_QUALITY;
    const auto set = [&](const char* name, const std::string& value) {
        avifEncoderSetCodecSpecificOption(encoder.get(), name, value.c_str());
    };
    set("end-usage", "q");  // constant quality, not a rate
    set("cq-level", level_of(options.quality));
    set("color:cq-level", level_of(quality_at(encoder->speed, options.quality)));
    if (with_matrices(encoder->speed)) set("color:enable-qm", "1");
    return encoder;
}

// The planes of one frame: sRGB as every browser takes it without a profile, BT.601 at full range, which is what libyuv knows to
// convert to (0.15 ms for 640 px against 3.3 of libavif's own code).
Result<AvifImage> avif_planes(const Pixels& pixels, avifPixelFormat sampling, bool opaque) {
    AvifImage image(avifImageCreate(pixels.size.width, pixels.size.height, 8, sampling));
    if (!image) return out_of_memory();
    image->colorPrimaries = AVIF_COLOR_PRIMARIES_BT709;
    image->transferCharacteristics = AVIF_TRANSFER_CHARACTERISTICS_SRGB;
    image->matrixCoefficients = AVIF_MATRIX_COEFFICIENTS_BT601;
    image->yuvRange = AVIF_RANGE_FULL;
    avifRGBImage rgb;
    avifRGBImageSetDefaults(&rgb, image.get());
    rgb.format = pixels.bands == 4 ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.ignoreAlpha = opaque ? AVIF_TRUE : AVIF_FALSE;
    rgb.pixels = const_cast<std::uint8_t*>(pixels.data);  // only read, though its type does not say so
    rgb.rowBytes = static_cast<std::uint32_t>(pixels.row_bytes());
    TRY(avif_succeeded(avifImageRGBToYUV(image.get(), &rgb)));
    return image;
}

avifPixelFormat avif_sampling(const Pixels& pixels) {
    return is_graphic(pixels) ? AVIF_PIXEL_FORMAT_YUV444 : AVIF_PIXEL_FORMAT_YUV420;
}

void add_owner(const Image& image, avifImage* planes) {
    const std::string exif = owner_exif(image);
    avifImageSetMetadataExif(planes, reinterpret_cast<const std::uint8_t*>(exif.data()), exif.size());
}

}  // namespace selvage::transforms
