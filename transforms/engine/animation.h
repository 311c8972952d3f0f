#pragma once

#include "transforms/engine/scene.h"
#include "transforms/engine/source.h"

namespace selvage::transforms {

// Every frame of an animation through the pipeline, one after the other, joined again below each other with their delays and
// their loop. Only one source frame is in memory at a time. Errors: as carry_out.
Result<Image> carry_out_all(const Source& source, Scene& scene);

}  // namespace selvage::transforms
