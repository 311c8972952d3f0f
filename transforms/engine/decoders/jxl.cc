// JPEG XL by libvips, whose module for it is a package of its own. libvips counts libjxl 0.7 among what is not to be trusted with
// strange bytes: here those are read in a process that may do nothing else.

#include "transforms/engine/decoders/decoder.h"

namespace selvage::transforms {

bool have_jxl() { return g_type_from_name("VipsForeignLoadJxlBuffer") != 0; }

Result<Header> jxl_header(std::string_view bytes) { return header_of(TRY(load_jxl(bytes, {}))); }

Result<Image> load_jxl(std::string_view bytes, const LoadOptions&) {
    return opened(bytes, [](void* data, std::size_t size, VipsImage** out) {
        return vips_jxlload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, nullptr);
    });
}

}  // namespace selvage::transforms
