// HEIC by libvips with libheif, where that has an HEVC decoder.

#include "transforms/engine/decoders/decoder.h"

namespace selvage::transforms {

Result<Header> heic_header(std::string_view bytes) { return header_of(TRY(load_heic(bytes, {}))); }

Result<Image> load_heic(std::string_view bytes, const LoadOptions&) {
    return opened(bytes, [](void* data, std::size_t size, VipsImage** out) {
        return vips_heifload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, nullptr);
    });
}

}  // namespace selvage::transforms
