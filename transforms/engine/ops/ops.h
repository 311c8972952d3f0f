#pragma once

#include "transforms/engine/image.h"
#include "transforms/engine/scene.h"

// One image operation per file. Each returns its input when the plan does not ask for it. Errors: Internal, but for settle.

namespace selvage::transforms {

// Down to the scaled size, in the orientation that the pixels are stored in. resize.cc
Result<Image> shrink(const Image& image, Scene& scene);

// To 8-bit sRGB with three bands and perhaps alpha; the embedded profile is used when it is not sRGB itself. colour.cc
Result<Image> to_srgb(const Image& image, Scene& scene);

// Decodes: the pixels stand in memory afterwards. Errors: Unprocessable "undecodable". settle.cc
Result<Image> settle(const Image& image, Scene& scene);

// Upright by EXIF. orient.cc
Result<Image> orient(const Image& image, Scene& scene);

// Up to the scaled size. resize.cc
Result<Image> enlarge(const Image& image, Scene& scene);

// The window at the plan's gravity. crop.cc
Result<Image> crop(const Image& image, Scene& scene);

Result<Image> flip(const Image& image, Scene& scene);    // flip.cc
Result<Image> rotate(const Image& image, Scene& scene);  // rotate.cc
Result<Image> blur(const Image& image, Scene& scene);    // blur.cc

// Transparency over the plan's background; over white when the output has none and the plan names none. flatten.cc
Result<Image> flatten(const Image& image, Scene& scene);

// Onto the canvas, filled with the background; transparent, or white, when the plan names none. pad.cc
Result<Image> pad(const Image& image, Scene& scene);

}  // namespace selvage::transforms
