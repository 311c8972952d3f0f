#pragma once

#include <array>
#include <cstddef>

// The metric's loops over pixels, for the widest registers that the processor has. Rows are as in Plane: zeros around them.

namespace selvage::transforms::quality::rows {

// How far two rows are apart, as sums over their pixels: the difference of structure, edges that were added, edges that were
// lost; each as it is, and to the fourth power.
struct Differences {
    double ssim = 0, ssim_4 = 0, added = 0, added_4 = 0, lost = 0, lost_4 = 0;

    Differences& operator+=(const Differences& other);
};

// A row and its four neighbours on either side.
using Nine = std::array<const float*, 9>;

// A row of the reference, blurred, and of its variance, for compare().
void describe(const Nine& reference, std::size_t width, float* mean, float* variance);

// A row of the candidate beside the reference's, which was described.
Differences compare(const Nine& reference, const float* mean, const float* variance, const Nine& candidate, std::size_t width);

// Linear red, green and blue of a row → XYB. A null output is not wanted.
struct Xyb {
    float *x, *y, *b;
};
void to_xyb(const std::array<const float*, 3>& linear, std::size_t width, Xyb out);

// The mean of two by two; `width` is of the output. Both rows have an even number of pixels.
void halve(const float* upper, const float* lower, std::size_t width, float* out);

}  // namespace selvage::transforms::quality::rows
