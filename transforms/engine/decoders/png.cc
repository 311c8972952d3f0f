#include "transforms/engine/decoders/decoder.h"

namespace selvage::transforms {

Result<Header> png_header(std::string_view bytes) { return header_of(TRY(load_png(bytes, {}))); }

Result<Image> load_png(std::string_view bytes, const LoadOptions&) {
    return opened(bytes, [](void* data, std::size_t size, VipsImage** out) {
        return vips_pngload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, nullptr);
    });
}

}  // namespace selvage::transforms
