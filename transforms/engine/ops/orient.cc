#include "transforms/engine/ops/ops.h"

namespace selvage::transforms {

Result<Image> orient(const Image& image, Scene& scene) {
    if (scene.orientation == 1) return image;
    // By the scene, not by the image's own tag: a resize or a frame cut out of a strip need not have kept it.
    const Image tagged = TRY(with_own_metadata(image));
    vips_image_set_int(tagged.get(), VIPS_META_ORIENTATION, scene.orientation);
    return made("orient", [&](VipsImage** out) { return vips_autorot(tagged.get(), out, nullptr); });
}

}  // namespace selvage::transforms
