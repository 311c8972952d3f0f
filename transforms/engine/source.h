#pragma once

#include <string_view>

#include "transforms/engine/geometry.h"
#include "transforms/engine/loaders.h"
#include "transforms/worker/protocol.h"

namespace selvage::transforms {

// A source whose header was read and found within the limits; no pixel is decoded yet.
class Source {
public:
    // The format is found by content, whatever the file was called. `bytes` must outlive the source and its images.
    // Errors: Unsupported "unsupported_source" (no image, or of a kind that we do not read); Unprocessable "undecodable",
    // "source_pixels" (one frame's pixels or a side above the limit).
    static Result<Source> open(std::string_view bytes, const worker::Limits& limits);

    Format format() const { return loader_->format; }
    Size upright() const { return sideways() ? stored_.transposed() : stored_; }
    Size stored() const { return stored_; }
    int orientation() const { return orientation_; }     // EXIF, 1…8
    bool sideways() const { return orientation_ >= 5; }  // stored lying on its side
    std::uint32_t frames() const { return frames_; }     // that the container holds, at least 1
    bool animated() const { return frames_ > 1 && (format() == Format::Gif || format() == Format::Webp); }
    const Image& header() const { return header_; }  // the first frame at full size, for its metadata

    // Errors: Unprocessable "too_many_frames", "source_pixels" (all frames together).
    Result<void> check_animation(const worker::Limits& limits) const;

    // The first frame, decoded at up to 1/shrink of its size. Errors: Unprocessable "undecodable".
    Result<Image> still(double shrink) const;
    // All frames at full size, one below the other, to be read from top to bottom. Errors: as for still.
    Result<Image> strip() const;

private:
    Source(std::string_view bytes, const Loader& loader, Image header);

    std::string_view bytes_;
    const Loader* loader_;
    Image header_;
    Size stored_;
    int orientation_;
    std::uint32_t frames_;
};

}  // namespace selvage::transforms
