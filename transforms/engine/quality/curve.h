#pragma once

#include "transforms/formats.h"
#include "transforms/order.h"

namespace selvage::transforms::quality {

// How an encoder's quality and the score go together: what is lost falls at the same rate for all photographs, though each begins
// at a height of its own. So one measurement tells the others.

// The lowest and the highest quality that a search tries.
inline constexpr unsigned kLeastQuality = 5, kMostQuality = 98;

// Has the format a quality to search for?
bool has_curve(Format format);

// The quality at which the usual photograph has this score.
unsigned usual_quality(Format format, double score);

// The quality that should give `wanted` when `quality` gave `score`. kLeastQuality…kMostQuality.
unsigned quality_after(Format format, unsigned quality, double score, double wanted);

// The same between two measurements, of which the first scored below `wanted`, the second above: a quality between theirs, or one
// of theirs.
struct Measured {
    unsigned quality;
    double score;
};
unsigned quality_between(Measured below, Measured above, double wanted);

}  // namespace selvage::transforms::quality
