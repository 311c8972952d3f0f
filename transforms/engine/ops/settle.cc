#include "transforms/engine/ops/ops.h"
#include "transforms/engine/resize/shrink.h"

namespace selvage::transforms {

Result<Image> settle(const Image& image, Scene& scene) {
    auto pixels = decoded_whole(image);
    scene.decoded_at = std::chrono::steady_clock::now();
    return pixels;
}

}  // namespace selvage::transforms
