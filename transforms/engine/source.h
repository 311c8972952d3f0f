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
    // "source_pixels" (of one frame), "source_side"; of an SVG, Unprocessable "too_many_elements" and TooLarge
    // "source_too_large".
    static Result<Source> open(std::string_view bytes, const worker::Limits& limits);

    Format format() const { return loader_->format; }
    Size upright() const { return sideways() ? stored().transposed() : stored(); }
    Size stored() const { return header_.stored; }
    int orientation() const { return header_.orientation; }  // EXIF, 1…8
    bool sideways() const { return orientation() >= 5; }     // stored lying on its side
    std::uint32_t frames() const { return header_.frames; }  // that the container holds, at least 1
    bool animated() const { return frames() > 1 && row_of(format()).animation; }

    // Errors: Unprocessable "too_many_frames", "animation_pixels".
    Result<void> check_animation(const worker::Limits& limits) const;

    struct Still {
        Image pixels;
        Extent covered;
    };
    // The first frame, not yet shrunk or shrunk by less than `shrink`. Errors: Unprocessable "undecodable".
    Result<Still> still(double shrink) const;
    // All frames at full size, one below the other, to be read from top to bottom. Errors: as for still.
    Result<Image> strip() const;

private:
    Source(std::string_view bytes, const Loader& loader, Header header) : bytes_(bytes), loader_(&loader), header_(header) {}

    std::string_view bytes_;
    const Loader* loader_;
    Header header_;
};

}  // namespace selvage::transforms
