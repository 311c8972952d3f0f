#pragma once

#include "transforms/engine/geometry.h"
#include "transforms/engine/image.h"

namespace selvage::transforms::quality {

// The most pixels that are encoded to see how good it would be (image-urls §3).
inline constexpr std::uint64_t kMostProbed = 500'000;

// Of the first of an image's frames what stands for all of it when encodings are judged: the frame itself, or bands of it of full
// width, spread evenly from top to bottom, as they are: shrunk pixels would be harder to encode. In memory.
// `image` must be in memory. Errors: Internal.
Result<Image> excerpt_of(const Image& image, Size frame);

// How many points better an excerpt scores than all of its picture: a few bad places weigh much, and it holds fewer of them.
double flattery(Size frame, Size excerpt);

}  // namespace selvage::transforms::quality
