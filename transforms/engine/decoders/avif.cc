// AVIF by libavif with dav1d: libvips 8.14 reads only the first picture of a sequence.

#include <avif/avif.h>

#include <memory>
#include <vector>

#include "transforms/engine/decoders/decoder.h"

namespace selvage::transforms {
namespace {

struct DecoderDeleter {
    void operator()(avifDecoder* decoder) const { avifDecoderDestroy(decoder); }
};
using AvifDecoder = std::unique_ptr<avifDecoder, DecoderDeleter>;

struct ViewDeleter {
    void operator()(avifImage* view) const { avifImageDestroy(view); }
};
using View = std::unique_ptr<avifImage, ViewDeleter>;

std::unexpected<Error> broken(std::string why) {
    return fail(ErrorKind::Unprocessable, "avif: " + std::move(why), "undecodable");
}

Result<void> check(avifResult result, const avifDecoder& decoder) {
    if (result == AVIF_RESULT_OK) return {};
    std::string why = avifResultToString(result);
    if (decoder.diag.error[0] != '\0') why.append(", ").append(decoder.diag.error);
    return broken(std::move(why));
}

// Boxes are read, no pixel is decoded. What writers of old have left out is no more needed here than in browsers.
Result<AvifDecoder> parsed(std::string_view bytes) {
    AvifDecoder decoder(avifDecoderCreate());
    if (!decoder) return fail(ErrorKind::Internal, "avif: out of memory", "operation_failed");
    decoder->maxThreads = 1;
    decoder->ignoreXMP = AVIF_TRUE;
    decoder->strictFlags = AVIF_STRICT_ALPHA_ISPE_REQUIRED;
    avifDecoderSetIOMemory(decoder.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    TRY(check(avifDecoderParse(decoder.get()), *decoder));
    return decoder;
}

// The part of the picture that is to be shown; the whole when it does not say, or nonsense.
avifCropRect window_of(const avifImage& image) {
    avifCropRect window{.x = 0, .y = 0, .width = image.width, .height = image.height};
    if ((image.transformFlags & AVIF_TRANSFORM_CLAP) == 0) return window;
    avifDiagnostics ignored;
    avifCropRect clean;
    const bool valid = avifCropRectConvertCleanApertureBox(&clean, &image.clap, image.width, image.height, image.yuvFormat,
                                                           &ignored) != AVIF_FALSE;
    return valid ? clean : window;
}

// The EXIF orientation that says the same as "turned anticlockwise by `angle` quarters, then mirrored"; the container's counts,
// not that of an EXIF item. Source: MIAF (ISO/IEC 23000-22) §7.3.6.7; ISO/IEC 23008-12 §6.5.10, §6.5.12.
int orientation_of(const avifImage& image) {
    const int angle = (image.transformFlags & AVIF_TRANSFORM_IROT) != 0 ? image.irot.angle & 3 : 0;
    constexpr int kTurned[] = {1, 8, 3, 6}, kTopDown[] = {4, 5, 2, 7}, kLeftRight[] = {2, 7, 4, 5};
    if ((image.transformFlags & AVIF_TRANSFORM_IMIR) == 0) return kTurned[angle];
    return image.imir.mode == 0 ? kTopDown[angle] : kLeftRight[angle];
}

// The window of the decoder's picture in rows of 8 bits.
Result<void> convert(const avifDecoder& decoder, const avifCropRect& window, std::uint8_t* pixels, std::size_t bands) {
    const View view(avifImageCreateEmpty());
    if (!view) return fail(ErrorKind::Internal, "avif: out of memory", "operation_failed");
    TRY(check(avifImageSetViewRect(view.get(), decoder.image, &window), decoder));
    avifRGBImage rgb;
    avifRGBImageSetDefaults(&rgb, view.get());
    rgb.depth = 8;
    rgb.format = bands == 4 ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.pixels = pixels;
    rgb.rowBytes = static_cast<std::uint32_t>(window.width * bands);
    return check(avifImageYUVToRGB(view.get(), &rgb), decoder);
}

// What the header says binds the pictures: one of another size, whose memory nobody has counted, is broken.
Result<void> decode_next(avifDecoder& decoder, const avifCropRect& window, std::uint8_t* pixels, std::size_t bands) {
    const std::uint32_t width = decoder.image->width, height = decoder.image->height;
    TRY(check(avifDecoderNextImage(&decoder), decoder));
    if (decoder.image->width != width || decoder.image->height != height) return broken("a picture of another size");
    return convert(decoder, window, pixels, bands);
}

void attach_metadata(const avifImage& image, const Image& out) {
    const auto attach = [&](const char* name, const avifRWData& data) {
        if (data.size > 0) vips_image_set_blob_copy(out.get(), name, data.data, data.size);
    };
    attach(VIPS_META_ICC_NAME, image.icc);
    attach(VIPS_META_EXIF_NAME, image.exif);
}

void attach_movement(const avifDecoder& decoder, std::uint32_t height, const Image& out) {
    std::vector<int> delays;
    for (int frame = 0; frame < decoder.imageCount; ++frame) {
        avifImageTiming timing{};
        avifDecoderNthImageTiming(&decoder, static_cast<std::uint32_t>(frame), &timing);
        delays.push_back(timing.duration < 60 ? static_cast<int>(timing.duration * 1000 + 0.5) : 60'000);
    }
    vips_image_set_array_int(out.get(), "delay", delays.data(), static_cast<int>(delays.size()));
    vips_image_set_int(out.get(), "loop", 0);  // libavif 0.11 does not tell
    vips_image_set_int(out.get(), VIPS_META_PAGE_HEIGHT, static_cast<int>(height));
    vips_image_set_int(out.get(), VIPS_META_N_PAGES, decoder.imageCount);
}

}  // namespace

Result<Header> avif_header(std::string_view bytes) {
    const AvifDecoder decoder = TRY(parsed(bytes));
    const avifCropRect window = window_of(*decoder->image);
    return Header{.stored = {window.width, window.height},
                  .orientation = orientation_of(*decoder->image),
                  .frames = static_cast<std::uint32_t>(std::max(1, decoder->imageCount))};
}

Result<Image> load_avif(std::string_view bytes, const LoadOptions& options) {
    const AvifDecoder decoder = TRY(parsed(bytes));
    const avifCropRect window = window_of(*decoder->image);
    // dav1d refuses what is larger than the container claims, before it allocates.
    decoder->imageSizeLimit = std::max(1U, decoder->image->width * decoder->image->height);
    const int frames = options.all_frames ? decoder->imageCount : 1;
    const std::size_t bands = decoder->alphaPresent != AVIF_FALSE ? 4 : 3;
    const auto width = static_cast<int>(window.width), height = static_cast<int>(window.height);
    Image image = TRY(blank(width, height * frames, static_cast<int>(bands), VIPS_INTERPRETATION_sRGB));
    for (int frame = 0; frame < frames; ++frame) {
        TRY(decode_next(*decoder, window, row_of_pixels(image, static_cast<std::uint32_t>(frame * height)), bands));
    }
    attach_metadata(*decoder->image, image);
    if (frames > 1) attach_movement(*decoder, window.height, image);
    return image;
}

}  // namespace selvage::transforms
