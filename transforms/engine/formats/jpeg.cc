#include <algorithm>

#include "transforms/engine/formats/encoder.h"

namespace selvage::transforms {
namespace {

// Progressive scans cost more than they save on a tiny image, and hold all coefficients of a large one in memory
// (image-urls §1.2, `prog`).
bool progressive(Size size) { return std::min(size.width, size.height) >= 50 && std::max(size.width, size.height) <= 3000; }

}  // namespace

Result<std::string> encode_jpeg(const Image& image, const EncodeOptions& options) {
    return encoded("jpeg", [&](void** buffer, std::size_t* size) {
        return vips_jpegsave_buffer(image.get(), buffer, size, "Q", static_cast<int>(options.quality), "optimize_coding", TRUE,
                                    "interlace", progressive(options.frame) ? TRUE : FALSE, "subsample_mode",
                                    VIPS_FOREIGN_SUBSAMPLE_ON, "strip", options.keep_metadata ? FALSE : TRUE, nullptr);
    });
}

}  // namespace selvage::transforms
