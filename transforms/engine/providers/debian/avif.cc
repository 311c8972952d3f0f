#include "transforms/engine/formats/avif_library.h"
#include "transforms/engine/providers/provider.h"

namespace selvage::transforms::provider {

Result<std::string> encode_still_avif(const Image& image, const EncodeOptions& options) {
    const Pixels pixels = TRY(frame_pixels(image, options.frame));
    const AvifImage planes = TRY(avif_planes(pixels, avif_sampling(pixels), is_opaque(pixels)));
    if (options.keep_metadata) add_owner(image, planes.get());
    const AvifEncoder encoder = TRY(avif_encoder(options));
    AvifBytes buffer;
    TRY(avif_succeeded(avifEncoderWrite(encoder.get(), planes.get(), &buffer.data), encoder.get()));
    return buffer.text();
}

}  // namespace selvage::transforms::provider
