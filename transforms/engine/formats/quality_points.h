#pragma once

#include <algorithm>
#include <span>

namespace selvage::transforms {

// What an encoder is given when a quality is asked for, so that the same quality has the same score. Points in ascending order,
// from 1 to 100; straight between them.
struct QualityPoint {
    unsigned asked, given;
};

inline unsigned interpolated(std::span<const QualityPoint> points, unsigned quality) {
    QualityPoint below = points.front();
    for (const QualityPoint above : points) {
        if (quality > above.asked) {
            below = above;
            continue;
        }
        const unsigned run = std::max(1U, above.asked - below.asked);
        return below.given + (quality - below.asked) * (above.given - below.given) / run;
    }
    return below.given;
}

}  // namespace selvage::transforms
