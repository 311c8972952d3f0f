#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "transforms/engine/geometry.h"
#include "transforms/engine/image.h"
#include "transforms/formats.h"

namespace selvage::transforms {

// What the header of a source says.
struct Header {
    Size stored;               // of one frame, as it is stored
    int orientation = 1;       // EXIF, 1…8
    std::uint32_t frames = 1;  // that the container holds, at least 1
};

// How a source is opened.
struct LoadOptions {
    bool all_frames = false;  // one below the other, "page-height" apart; else the first
    // How many times smaller the result will be made, at least 1. A decoder that can shrink gives a smaller image than the
    // source, from which the result is still to be shrunk; others ignore it.
    double shrink = 1;
};

// One row per source format: a file in decoders/. Nothing else may read it.
struct Loader {
    Format format;
    const char* operation;  // class name of the libvips operation it uses, for the allow-list; null: none
    // Reads no further than the header and allocates no pixels: whether the source is within the limits is not known yet.
    // Errors: Unprocessable "undecodable".
    Result<Header> (*header)(std::string_view bytes);
    // Pixels in memory, or decoded when they are asked for, once, from top to bottom. `bytes` must outlive the image.
    // Errors: as header. A source that ends too early fails here or when its pixels are read.
    Result<Image> (*load)(std::string_view bytes, const LoadOptions& options);
    // How much of what load gives for this `shrink` is picture; null: all of it.
    Extent (*covered)(Size stored, double shrink) = nullptr;
    // Do the libraries of this machine have it? Null: always.
    bool (*available)() = nullptr;
};

// Those that are available. After libvips has started.
std::span<const Loader> loaders();
const Loader* loader_of(Format format);  // null: not a source that we read

}  // namespace selvage::transforms
