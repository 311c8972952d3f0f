#pragma once

#include <cstdint>

#include "transforms/plan.h"

namespace selvage::transforms {

struct Size {
    std::uint32_t width = 0;
    std::uint32_t height = 0;

    std::uint64_t area() const { return std::uint64_t{width} * height; }
    Size transposed() const { return {height, width}; }
    friend bool operator==(const Size&, const Size&) = default;
};

// How much of an image's pixels the picture covers: a decoder that shrinks by eighths rounds up, and the last pixel may be half
// beyond the edge. Taken for whole it would shift everything by a part of a pixel.
struct Extent {
    double width = 0;
    double height = 0;
};

inline Extent whole_extent(Size size) { return {static_cast<double>(size.width), static_cast<double>(size.height)}; }

struct Offset {
    std::int32_t left = 0;
    std::int32_t top = 0;
    friend bool operator==(const Offset&, const Offset&) = default;
};

// The sizes that a plan gives to a source, each side at least 1.
//
// The whole source is scaled to `scaled`; of it a window of the size `window` is kept at the plan's gravity (the whole, unless
// the fit crops); it stands on a canvas of the size `canvas` (the window's, unless the fit pads).
// Invariant: window fits in scaled, window fits in canvas.
struct Geometry {
    Size scaled;
    Size window;
    Size canvas;
    friend bool operator==(const Geometry&, const Geometry&) = default;
};

// Where enlarging ends, if the plan allows it: beyond, the result keeps the ratio that was asked for and is smaller. A source
// that is larger than `pixels` is left as large as it is. Source: image-urls §3.
struct Enlarging {
    double times = 4;  // the source's sides
    double pixels = 24e6;
};

// From the upright size of the original (never of a shrunken decode, or a pixel is lost to rounding). Halves round up.
// Source: image-urls §1.2 (the table of `fit`).
Geometry geometry_of(const Plan& plan, Size source, Enlarging enlarging = {});

// Of one finished frame: the canvas, turned by the plan's rotation.
Size output_size(const Geometry& geometry, const Plan& plan);

// Where a window stands in a larger area by the gravity: for gravities that need no look at the pixels (Smart and Entropy:
// centre). Half pixels go left and up.
Offset place(const Plan& plan, Size window, Size area);

}  // namespace selvage::transforms
