// AVIF by libheif with libaom, whose own symbols the library does not show: what libvips passes on is what can be set.

#include <vips/vips.h>

#include "transforms/engine/formats/pixels.h"
#include "transforms/engine/formats/quality_points.h"
#include "transforms/engine/metadata.h"
#include "transforms/engine/providers/provider.h"

namespace selvage::transforms::provider {
namespace {

// As with Debian's libaom; this one takes a fifth more time at speed 8, half as much again at speed 9.
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

// What gives the score that Debian's libaom has at speed 9: with tune=iq a quality is a better picture in a larger file. Means of
// 18 photographs at 320 and 640 px.
constexpr QualityPoint kAtSpeed9[] = {{1, 1},   {20, 11}, {35, 28}, {45, 40}, {55, 48},
                                      {65, 59}, {75, 69}, {85, 80}, {95, 88}, {100, 100}};
constexpr QualityPoint kAtSpeed8[] = {{1, 1},   {20, 11}, {35, 28}, {45, 39}, {55, 48},
                                      {65, 58}, {75, 68}, {85, 79}, {95, 87}, {100, 100}};
constexpr QualityPoint kAtSpeed6[] = {{1, 1},   {20, 8},  {35, 26}, {45, 38}, {55, 47},
                                      {65, 57}, {75, 67}, {85, 78}, {95, 87}, {100, 100}};

unsigned quality_at(int speed, unsigned quality) {
    if (speed >= 9) return interpolated(kAtSpeed9, quality);
    return speed == 8 ? interpolated(kAtSpeed8, quality) : interpolated(kAtSpeed6, quality);
}

// Only what it has to say of its owner. libvips writes the block anew, with the resolution and versions that the standard asks
// for.
Result<Image> to_save(const Image& image, const EncodeOptions& options) {
    Image bare = TRY(with_own_metadata(image));
    const Pixels pixels = TRY(frame_pixels(image, options.frame));
    if (pixels.bands == 4 && is_opaque(pixels)) {
        bare = TRY(made("alpha", [&](VipsImage** out) { return vips_extract_band(image.get(), out, 0, "n", 3, nullptr); }));
    }
    if (options.keep_metadata) {
        const std::string exif = owner_exif(image);
        vips_image_set_blob_copy(bare.get(), VIPS_META_EXIF_NAME, exif.data(), exif.size());
    }
    return bare;
}

}  // namespace

Result<std::string> encode_still_avif(const Image& image, const EncodeOptions& options) {
    const Image bare = TRY(to_save(image, options));
    const int speed = speed_of(options.effort, options.frame);
    const auto quality = static_cast<int>(quality_at(speed, options.quality));
    const bool drawn = is_graphic(TRY(frame_pixels(image, options.frame)));
    return encoded("avif", [&](void** buffer, std::size_t* size) {
        return vips_heifsave_buffer(bare.get(), buffer, size, "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "encoder",
                                    VIPS_FOREIGN_HEIF_ENCODER_AOM, "tune", "iq", "effort", 9 - speed, "Q", quality, "bitdepth", 8,
                                    "subsample_mode", drawn ? VIPS_FOREIGN_SUBSAMPLE_OFF : VIPS_FOREIGN_SUBSAMPLE_ON, "strip",
                                    options.keep_metadata ? FALSE : TRUE, nullptr);
    });
}

}  // namespace selvage::transforms::provider
