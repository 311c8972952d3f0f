#include "transforms/engine/decoders/decoder.h"
#include "transforms/engine/drawing.h"

namespace selvage::transforms {

Result<Header> svg_header(std::string_view bytes) { return header_of(TRY(load_svg(bytes, {}))); }

// Drawn at the size that is wanted, so nothing is left for the resize but rounding. Nothing outside the document is loaded:
// librsvg has no base to resolve a reference against when it reads from memory.
Result<Image> load_svg(std::string_view bytes, const LoadOptions& options) {
    if (const auto why = needs_files(bytes); !why.empty())
        return fail(ErrorKind::Unsupported, std::string(why), "unsupported_source");
    return opened(bytes, [&](void* data, std::size_t size, VipsImage** out) {
        return vips_svgload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, "scale", 1 / options.shrink, nullptr);
    });
}

}  // namespace selvage::transforms
