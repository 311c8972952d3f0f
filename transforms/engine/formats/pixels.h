#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transforms/engine/geometry.h"
#include "transforms/engine/image.h"

namespace selvage::transforms {

// One frame's pixels as encoders take them: 8-bit sRGB, rows from the top without gaps, red, green, blue and perhaps alpha (not
// premultiplied). A borrow of an image in memory, valid as long as that is.
struct Pixels {
    const std::uint8_t* data;
    Size size;
    std::size_t bands;  // 3 or 4

    std::size_t row_bytes() const { return size.width * bands; }
    std::span<const std::uint8_t> row(std::size_t y) const { return {data + y * row_bytes(), row_bytes()}; }
};

// The frame `number` of an image whose frames stand below each other. Errors: Internal when the pixels are not 8-bit RGB or RGBA
// in memory, or the image has no such frame.
Result<Pixels> frame_pixels(const Image& image, Size frame, std::uint32_t number = 0);

// Is every pixel without transparency? Then its alpha is not worth an encoder's time.
bool is_opaque(const Pixels& pixels);

// Much of it is equal to the last bit to what stands beside it: drawn, not photographed. Looks at every fourth row.
bool is_flat(const Pixels& pixels);

// A drawing, a chart, a screenshot, rather than a photograph: flat, and its edges have colour, which halved chroma would
// smear. Looks at every fourth row.
bool is_graphic(const Pixels& pixels);

}  // namespace selvage::transforms
