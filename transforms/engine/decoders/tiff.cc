#include "transforms/engine/decoders/decoder.h"

namespace selvage::transforms {

Result<Header> tiff_header(std::string_view bytes) { return header_of(TRY(load_tiff(bytes, {}))); }

Result<Image> load_tiff(std::string_view bytes, const LoadOptions&) {
    return opened(bytes, [](void* data, std::size_t size, VipsImage** out) {
        return vips_tiffload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, nullptr);
    });
}

}  // namespace selvage::transforms
