#pragma once

#include "transforms/engine/geometry.h"
#include "transforms/engine/image.h"

namespace selvage::transforms {

// An image made smaller, or of the same size: by our own filter where that is faster, else by libvips'. Colours are weighted by
// their alpha. Reads the image once, from top to bottom; with our own filter the result is in memory, and the whole image never
// is.
//
// `covered`: how much of the image is picture. Errors: Unprocessable "undecodable" when the image is read lazily and broken;
// Internal.
Result<Image> shrunk(const Image& image, Extent covered, Size target);

// All pixels of an image that is decoded lazily, in memory. Errors: Unprocessable "undecodable".
Result<Image> decoded_whole(const Image& image);

}  // namespace selvage::transforms
