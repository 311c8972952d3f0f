#pragma once

#include <cstdint>
#include <optional>

#include "transforms/formats.h"
#include "transforms/plan.h"

namespace selvage::transforms {

// How much time an encoder may take. The bytes differ, and so does the entity tag; the variant's key does not: what was made with
// more effort takes the place of what was made with less. Source: image-engine §3.
enum class ImageEffort : std::uint8_t {
    Fast,   // somebody waits, and others do, too: AVIF at speed 9, WebP method 2, JPEG in one scan
    Usual,  // somebody waits: AVIF at speed 8 or 9 (by size), WebP method 4, JPEG in one scan
    Best,   // nobody waits: AVIF at speed 6, WebP method 6, progressive JPEG
};

// Would more effort give other bytes? What is not final is sent for a short time only, and made anew in the background when it
// is asked for again.
bool is_final(Format format, ImageEffort effort);

// One image to be made of a source: what was asked, and what was decided about it.
struct Order {
    Plan plan;
    Format format = Format::Jpeg;
    // The encoder's own quality, 1…100; 0 where it has none. With a target: where the search begins; 0: nothing is known.
    unsigned quality = 0;
    // The SSIMULACRA2 score that the result is to reach (`q=auto`), 1…100: the encoder's quality is searched. 0: none.
    unsigned target = 0;
    ImageEffort effort = ImageEffort::Usual;
    bool full_chroma = false;  // JPEG: no chroma subsampling (4:4:4), for an image that others are to be made of
    friend bool operator==(const Order&, const Order&) = default;
};

// What the bytes are that an order is carried out on: the original, or an image that was made of it once, upright and in sRGB, to
// stand in for it. Sizes are computed from the original's, or a pixel is lost to rounding (image-engine §4).
struct Original {
    std::uint32_t width = 0, height = 0;  // upright; 0: the bytes are the original's
    bool stands_in() const { return width != 0; }
    friend bool operator==(const Original&, const Original&) = default;
};

}  // namespace selvage::transforms
