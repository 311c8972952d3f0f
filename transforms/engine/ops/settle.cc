#include "transforms/engine/ops/ops.h"

namespace selvage::transforms {

Result<Image> settle(const Image& image, Scene& scene) {
    auto pixels = in_memory(image);
    if (!pixels) return fail(ErrorKind::Unprocessable, std::move(pixels.error().detail), "undecodable");
    scene.decoded_at = std::chrono::steady_clock::now();
    return pixels;
}

}  // namespace selvage::transforms
