#include "transforms/engine/formats/encoder.h"

namespace selvage::transforms {
namespace {

// libvips counts effort from 0, which is libaom's speed 9: faster than WebP's method 4 and smaller (image-engine §3).
constexpr int kEffort = 0;

}  // namespace

Result<std::string> encode_avif(const Image& image, const EncodeOptions& options) {
    return encoded("avif", [&](void** buffer, std::size_t* size) {
        return vips_heifsave_buffer(image.get(), buffer, size, "Q", static_cast<int>(options.quality), "compression",
                                    VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "encoder", VIPS_FOREIGN_HEIF_ENCODER_AOM, "effort",
                                    kEffort, "bitdepth", 8, "subsample_mode", VIPS_FOREIGN_SUBSAMPLE_ON, "strip",
                                    options.keep_metadata ? FALSE : TRUE, nullptr);
    });
}

}  // namespace selvage::transforms
