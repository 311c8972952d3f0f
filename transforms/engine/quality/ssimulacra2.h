#pragma once

#include <array>
#include <vector>

#include "base/result.h"
#include "transforms/engine/quality/pyramid.h"

namespace selvage::transforms::quality {

// SSIMULACRA 2.1: how much of a picture a person would say is left of it after encoding. 100: no difference; 90: none to be seen
// beside the original; 70: high quality; 50: medium; 30: low; the worst go below zero.
//
// Source: Jon Sneyers, "SSIMULACRA 2" (Cloudinary, 2022; weights of April 2023). Of its 108 weights the 83 below 0.0021 are left
// out (together 0.02: hundredths of a score), and with them its sixth scale. Where the published program leaves out scales
// (sides below 64 px) or refuses (below 8 px), all scales are judged here, on a picture whose edges are repeated up to 8.

// A plane of the reference with what a comparison needs of it.
struct DescribedPlane {
    Plane pixels, mean, variance;
};

// A picture to compare others with: what it takes of it is computed once. Holds no reference to the pixels, but about 20 bytes
// for each of them, twice as many when it is not opaque.
class Reference {
public:
    explicit Reference(const Pixels& pixels);

    // How good the candidate is. Pictures that are not opaque are judged over a dark and a light ground; the worse one counts.
    // Errors: Internal when it has another size.
    Result<double> score(const Pixels& candidate) const;

private:
    using Described = std::array<std::array<DescribedPlane, kChannels>, kScales>;
    double score_on(const Described& reference, const Pixels& candidate, float ground) const;

    bool opaque_;
    Size size_;
    std::vector<Described> grounds_;  // one of an opaque picture, else two
};

}  // namespace selvage::transforms::quality
