// AVIF by libavif with libaom, without libheif between: threads, tiles and options are ours, and so are sequences.

#include <avif/avif.h>

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "transforms/engine/formats/encoder.h"
#include "transforms/engine/formats/pixels.h"
#include "transforms/engine/metadata.h"

namespace selvage::transforms {
namespace {

struct ImageDeleter {
    void operator()(avifImage* image) const { avifImageDestroy(image); }
};
struct EncoderDeleter {
    void operator()(avifEncoder* encoder) const { avifEncoderDestroy(encoder); }
};
using AvifImage = std::unique_ptr<avifImage, ImageDeleter>;
using AvifEncoder = std::unique_ptr<avifEncoder, EncoderDeleter>;

struct Buffer {
    avifRWData data = AVIF_DATA_EMPTY;
    Buffer() = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { avifRWDataFree(&data); }
    std::string text() const { return {reinterpret_cast<const char*>(data.data), data.size}; }
};

Result<void> check(avifResult result, const avifEncoder* encoder = nullptr) {
    if (result == AVIF_RESULT_OK) return {};
    std::string detail = std::string("avif: ") + avifResultToString(result);
    if (encoder != nullptr && encoder->diag.error[0] != '\0') detail.append(", ").append(encoder->diag.error);
    return fail(ErrorKind::Internal, std::move(detail), "operation_failed");
}

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
struct Point {
    unsigned asked, given;
};
constexpr Point kWithMatrices[] = {{1, 1}, {32, 32}, {45, 46}, {56, 58}, {66, 72}, {75, 82}, {84, 90}, {100, 100}};
constexpr Point kAtSpeed6[] = {{1, 1}, {20, 15}, {45, 40}, {55, 51}, {65, 61}, {75, 72}, {85, 83}, {100, 100}};

unsigned interpolated(std::span<const Point> points, unsigned quality) {
    Point below = points.front();
    for (const Point above : points) {
        if (quality > above.asked) {
            below = above;
            continue;
        }
        const unsigned run = std::max(1U, above.asked - below.asked);
        return below.given + (quality - below.asked) * (above.given - below.given) / run;
    }
    return below.given;
}

unsigned quality_at(int speed, unsigned quality) {
    if (with_matrices(speed)) return interpolated(kWithMatrices, quality);
    return speed <= 6 ? interpolated(kAtSpeed6, quality) : quality;  // speed 8 is within a point
}

// Quality is libheif's scale, which libvips and sharp have, too: 1…100 over libaom's levels of constant quality, 63…0.
std::string level_of(unsigned quality) { return std::to_string(((100 - quality) * AVIF_QUANTIZER_WORST_QUALITY + 50) / 100); }

Result<AvifEncoder> encoder_with(const EncodeOptions& options) {
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
Result<AvifImage> planes_of(const Pixels& pixels, avifPixelFormat sampling, bool opaque) {
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
    TRY(check(avifImageRGBToYUV(image.get(), &rgb)));
    return image;
}

avifPixelFormat sampling_of(const Pixels& pixels) {
    return is_graphic(pixels) ? AVIF_PIXEL_FORMAT_YUV444 : AVIF_PIXEL_FORMAT_YUV420;
}

void add_owner(const Image& image, avifImage* planes) {
    const std::string exif = owner_exif(image);
    avifImageSetMetadataExif(planes, reinterpret_cast<const std::uint8_t*>(exif.data()), exif.size());
}

Result<std::string> encode_still(const Image& image, const EncodeOptions& options) {
    const Pixels pixels = TRY(frame_pixels(image, options.frame));
    const AvifImage planes = TRY(planes_of(pixels, sampling_of(pixels), is_opaque(pixels)));
    if (options.keep_metadata) add_owner(image, planes.get());
    const AvifEncoder encoder = TRY(encoder_with(options));
    Buffer buffer;
    TRY(check(avifEncoderWrite(encoder.get(), planes.get(), &buffer.data), encoder.get()));
    return buffer.text();
}

// All frames have the same planes.
struct Sequence {
    avifPixelFormat sampling;
    bool opaque = true;
    std::vector<Pixels> frames;
};

Result<Sequence> sequence_of(const Image& image, const EncodeOptions& options) {
    Sequence sequence{.sampling = sampling_of(TRY(frame_pixels(image, options.frame))), .frames = {}};
    for (std::uint32_t number = 0; number < image.height() / options.frame.height; ++number) {
        sequence.frames.push_back(TRY(frame_pixels(image, options.frame, number)));
        sequence.opaque = sequence.opaque && is_opaque(sequence.frames.back());
    }
    return sequence;
}

// libavif 0.11 cannot say how often a sequence is to be shown: browsers repeat it for ever.
Result<std::string> encode_sequence(const Image& image, const EncodeOptions& options) {
    const Sequence sequence = TRY(sequence_of(image, options));
    const std::vector<std::uint32_t> durations = frame_durations(image, sequence.frames.size());
    const AvifEncoder encoder = TRY(encoder_with(options));
    encoder->timescale = 1000;
    for (std::size_t number = 0; number < sequence.frames.size(); ++number) {
        const AvifImage planes = TRY(planes_of(sequence.frames[number], sequence.sampling, sequence.opaque));
        if (options.keep_metadata && number == 0) add_owner(image, planes.get());
        TRY(check(avifEncoderAddImage(encoder.get(), planes.get(), durations[number], AVIF_ADD_IMAGE_FLAG_NONE), encoder.get()));
    }
    Buffer buffer;
    TRY(check(avifEncoderFinish(encoder.get(), &buffer.data), encoder.get()));
    return buffer.text();
}

}  // namespace

Result<std::string> encode_avif(const Image& image, const EncodeOptions& options) {
    return image.height() == options.frame.height ? encode_still(image, options) : encode_sequence(image, options);
}

}  // namespace selvage::transforms
