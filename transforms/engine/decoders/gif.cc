#include "transforms/engine/decoders/decoder.h"

namespace selvage::transforms {

Result<Header> gif_header(std::string_view bytes) { return header_of(TRY(load_gif(bytes, {}))); }

Result<Image> load_gif(std::string_view bytes, const LoadOptions& options) {
    return opened(bytes, [&](void* data, std::size_t size, VipsImage** out) {
        return vips_gifload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, "n", options.all_frames ? -1 : 1,
                                   nullptr);
    });
}

}  // namespace selvage::transforms
