#pragma once

#include <avif/avif.h>

#include <memory>
#include <string>

#include "transforms/engine/formats/encoder.h"
#include "transforms/engine/formats/pixels.h"
#include "transforms/engine/image.h"

// AVIF by libavif with libaom, without libheif between: threads, tiles and options are ours, and so are sequences.

namespace selvage::transforms {

struct AvifImageDeleter {
    void operator()(avifImage* image) const { avifImageDestroy(image); }
};
struct AvifEncoderDeleter {
    void operator()(avifEncoder* encoder) const { avifEncoderDestroy(encoder); }
};
using AvifImage = std::unique_ptr<avifImage, AvifImageDeleter>;
using AvifEncoder = std::unique_ptr<avifEncoder, AvifEncoderDeleter>;

// What an encoder writes.
struct AvifBytes {
    avifRWData data = AVIF_DATA_EMPTY;
    AvifBytes() = default;
    AvifBytes(const AvifBytes&) = delete;
    AvifBytes& operator=(const AvifBytes&) = delete;
    ~AvifBytes() { avifRWDataFree(&data); }
    std::string text() const { return {reinterpret_cast<const char*>(data.data), data.size}; }
};

// Errors: Internal, with what the encoder says about it.
Result<void> avif_succeeded(avifResult result, const avifEncoder* encoder = nullptr);

// With the speed and the level that effort and quality ask for.
Result<AvifEncoder> avif_encoder(const EncodeOptions& options);

// 4:4:4 for what is drawn.
avifPixelFormat avif_sampling(const Pixels& pixels);

// The planes of one frame, with alpha where there is one and the frame is not `opaque`.
Result<AvifImage> avif_planes(const Pixels& pixels, avifPixelFormat sampling, bool opaque);

// Whose the image is.
void add_owner(const Image& image, avifImage* planes);

}  // namespace selvage::transforms
