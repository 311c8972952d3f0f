#pragma once

#include <chrono>
#include <optional>

#include "transforms/engine/geometry.h"
#include "transforms/engine/image.h"
#include "transforms/plan.h"

namespace selvage::transforms {

// One job as its operations see it; the same for every frame.
struct Scene {
    const Plan& plan;
    Format out;
    int orientation;    // EXIF, 1…8: how the stored pixels are turned upright
    Geometry geometry;  // upright
    Extent covered;     // of the pixels that the pipeline begins with

    // Where the first frame was cropped by its content: the frames after it must not jump.
    std::optional<Offset> window_at = std::nullopt;
    // When the pixels of the (last) frame were decoded.
    std::chrono::steady_clock::time_point decoded_at = {};

    bool sideways() const { return orientation >= 5; }
};

}  // namespace selvage::transforms
