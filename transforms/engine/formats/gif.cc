#include "transforms/engine/formats/encoder.h"

namespace selvage::transforms {

Result<std::string> encode_gif(const Image& image, const EncodeOptions& options) {
    return encoded("gif", [&](void** buffer, std::size_t* size) {
        return vips_gifsave_buffer(image.get(), buffer, size, "effort", 7, "strip", options.keep_metadata ? FALSE : TRUE,
                                   nullptr);
    });
}

}  // namespace selvage::transforms
