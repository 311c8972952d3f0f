#pragma once

#include <span>
#include <string_view>

#include "transforms/engine/image.h"
#include "transforms/formats.h"

namespace selvage::transforms {

// How a source is opened. Shrinking while decoding gives an image whose sides are about 1/shrink: the rest is for a resize.
struct LoadOptions {
    bool all_frames = false;  // one below the other, "page-height" apart; else the first
    double shrink = 1;        // at least 1; a loader takes what it can of it
};

// One row per source format: the libvips operation by which it is read, and nothing else may read it.
struct Loader {
    Format format;
    const char* operation;  // class name of the operation, for the allow-list
    // The largest factor not above `wanted` by which this loader can shrink while decoding.
    double (*shrink)(double wanted);
    // Reads the header; pixels are decoded when they are asked for, from top to bottom. `bytes` must outlive the image.
    // Errors: Unprocessable "undecodable". A source that ends too early fails when its pixels are read.
    Result<Image> (*load)(std::string_view bytes, const LoadOptions& options);
};

std::span<const Loader> loaders();
const Loader* loader_of(Format format);  // null: not a source that we read

}  // namespace selvage::transforms
