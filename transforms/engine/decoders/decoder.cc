#include "transforms/engine/decoders/decoder.h"

#include <algorithm>

namespace selvage::transforms {

Header header_of(const Image& opened) {
    return {.stored = {opened.width(), opened.height()},
            .orientation = std::clamp(vips_image_get_orientation(opened.get()), 1, 8),
            .frames = static_cast<std::uint32_t>(std::max(1, vips_image_get_n_pages(opened.get())))};
}

}  // namespace selvage::transforms
