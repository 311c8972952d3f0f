#include "transforms/engine/decoders/decoder.h"

namespace selvage::transforms {
namespace {

// libwebp averages areas while it decodes, which is good for any factor, but costs time of its own: small ones are not worth it.
double scale_for(double shrink) { return shrink < 2 * kLeftForResize ? 1 : kLeftForResize / shrink; }

}  // namespace

Result<Header> webp_header(std::string_view bytes) { return header_of(TRY(load_webp(bytes, {}))); }

Result<Image> load_webp(std::string_view bytes, const LoadOptions& options) {
    return opened(bytes, [&](void* data, std::size_t size, VipsImage** out) {
        return vips_webpload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, "n", options.all_frames ? -1 : 1,
                                    "scale", scale_for(options.shrink), nullptr);
    });
}

}  // namespace selvage::transforms
