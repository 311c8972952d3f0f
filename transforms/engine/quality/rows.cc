#include "transforms/engine/quality/rows.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "transforms/engine/quality/rows.cc"
#include <hwy/foreach_target.h>
// foreach_target first: it includes this file once per instruction set.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace selvage::transforms::quality::rows::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = HWY_CAPPED(float, 16);
using V = hn::Vec<D>;

// Gaussian of sigma 1.5 as the recursive filter of Charalampidis ("Recursive Implementation of the Gaussian Filter Using
// Truncated Cosine Functions", 2016) with radius 5 answers a single pixel: the nine numbers that are not zero. Beyond the border
// are zeros.
constexpr float kTaps[5] = {0.264621105F, 0.212928592F, 0.109335373F, 0.0360111147F, 0.00941436781F};

// Σ tap · term(row), over nine rows.
template <typename Term>
HWY_INLINE V across_rows(Term&& term) {
    const D d;
    V sum = hn::Mul(hn::Set(d, kTaps[0]), term(4));
    for (std::size_t reach = 1; reach < 5; ++reach) {
        sum = hn::MulAdd(hn::Set(d, kTaps[reach]), hn::Add(term(4 - reach), term(4 + reach)), sum);
    }
    return sum;
}

HWY_INLINE V along_row(const float* middle) {
    const D d;
    V sum = hn::Mul(hn::Set(d, kTaps[0]), hn::LoadU(d, middle));
    for (std::size_t reach = 1; reach < 5; ++reach) {
        const V both = hn::Add(hn::LoadU(d, middle - reach), hn::LoadU(d, middle + reach));
        sum = hn::MulAdd(hn::Set(d, kTaps[reach]), both, sum);
    }
    return sum;
}

// Rows that were blurred from above to below, with zeros around them.
class Scratch {
public:
    explicit Scratch(std::size_t width) : stride_(width + kSide + kSide), numbers_(stride_ * 3) {}
    float* row(std::size_t index) { return numbers_.data() + index * stride_ + kSide; }

private:
    static constexpr std::size_t kSide = 32;
    std::size_t stride_;
    std::vector<float> numbers_;
};

void describe(const Nine& reference, std::size_t width, float* mean, float* variance) {
    const D d;
    Scratch scratch(width);
    float *sums = scratch.row(0), *squares = scratch.row(1);
    for (std::size_t x = 0; x < width; x += hn::Lanes(d)) {
        V row[9];
        for (std::size_t y = 0; y < 9; ++y) row[y] = hn::LoadU(d, reference[y] + x);
        hn::StoreU(across_rows([&](std::size_t y) { return row[y]; }), d, sums + x);
        hn::StoreU(across_rows([&](std::size_t y) { return hn::Mul(row[y], row[y]); }), d, squares + x);
    }
    for (std::size_t x = 0; x < width; x += hn::Lanes(d)) {
        const V mu = along_row(sums + x);
        hn::StoreU(mu, d, mean + x);
        hn::StoreU(hn::NegMulAdd(mu, mu, along_row(squares + x)), d, variance + x);
    }
}

// Six sums, one per lane and kind.
struct Lanes {
    V ssim, ssim_4, added, added_4, lost, lost_4;
};

HWY_INLINE V fourth_power(V value) {
    const V square = hn::Mul(value, value);
    return hn::Mul(square, square);
}

// Structure: SSIM without the division by brightness, which XYB has made even already.
template <typename Mask>
HWY_INLINE void add_structure(Lanes& sums, Mask inside, V mean1, V variance1, V mean2, V variance2, V covariance) {
    const D d;
    const V one = hn::Set(d, 1.0F), c2 = hn::Set(d, 0.0009F);
    const V apart = hn::Sub(mean1, mean2);
    const V brightness = hn::NegMulAdd(apart, apart, one);
    const V structure = hn::Div(hn::MulAdd(hn::Set(d, 2.0F), covariance, c2), hn::Add(hn::Add(variance1, variance2), c2));
    const V difference = hn::IfThenElseZero(inside, hn::ZeroIfNegative(hn::NegMulAdd(brightness, structure, one)));
    sums.ssim = hn::Add(sums.ssim, difference);
    sums.ssim_4 = hn::Add(sums.ssim_4, fourth_power(difference));
}

// Edges: how far a pixel is from its surroundings, in one picture and in the other.
template <typename Mask>
HWY_INLINE void add_edges(Lanes& sums, Mask inside, V pixel1, V mean1, V pixel2, V mean2) {
    const D d;
    const V one = hn::Set(d, 1.0F);
    const V edge1 = hn::Abs(hn::Sub(pixel1, mean1)), edge2 = hn::Abs(hn::Sub(pixel2, mean2));
    const V more = hn::IfThenElseZero(inside, hn::Div(hn::Sub(edge2, edge1), hn::Add(one, edge1)));
    const V added = hn::ZeroIfNegative(more), lost = hn::ZeroIfNegative(hn::Neg(more));
    sums.added = hn::Add(sums.added, added);
    sums.added_4 = hn::Add(sums.added_4, fourth_power(added));
    sums.lost = hn::Add(sums.lost, lost);
    sums.lost_4 = hn::Add(sums.lost_4, fourth_power(lost));
}

HWY_INLINE double total(V lanes) {
    const D d;
    return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, lanes)));
}

Differences compare(const Nine& reference, const float* mean, const float* variance, const Nine& candidate, std::size_t width) {
    const D d;
    Scratch scratch(width);
    float *sums = scratch.row(0), *squares = scratch.row(1), *products = scratch.row(2);
    for (std::size_t x = 0; x < width; x += hn::Lanes(d)) {
        V row[9];
        for (std::size_t y = 0; y < 9; ++y) row[y] = hn::LoadU(d, candidate[y] + x);
        hn::StoreU(across_rows([&](std::size_t y) { return row[y]; }), d, sums + x);
        hn::StoreU(across_rows([&](std::size_t y) { return hn::Mul(row[y], row[y]); }), d, squares + x);
        hn::StoreU(across_rows([&](std::size_t y) { return hn::Mul(row[y], hn::LoadU(d, reference[y] + x)); }), d, products + x);
    }
    const V zero = hn::Zero(d);
    Lanes lanes{zero, zero, zero, zero, zero, zero};
    for (std::size_t x = 0; x < width; x += hn::Lanes(d)) {
        const auto inside = hn::FirstN(d, std::min(width - x, hn::Lanes(d)));
        const V mean1 = hn::LoadU(d, mean + x), mean2 = along_row(sums + x);
        const V variance2 = hn::NegMulAdd(mean2, mean2, along_row(squares + x));
        const V covariance = hn::NegMulAdd(mean1, mean2, along_row(products + x));
        add_structure(lanes, inside, mean1, hn::LoadU(d, variance + x), mean2, variance2, covariance);
        add_edges(lanes, inside, hn::LoadU(d, reference[4] + x), mean1, hn::LoadU(d, candidate[4] + x), mean2);
    }
    return {total(lanes.ssim),    total(lanes.ssim_4), total(lanes.added),
            total(lanes.added_4), total(lanes.lost),   total(lanes.lost_4)};
}

// Of positive numbers. The first guess has a third of the exponent; two of Halley's steps make it exact to a float.
HWY_INLINE V cube_root(V value) {
    const D d;
    const hn::RebindToSigned<D> di;
    const V third = hn::Mul(hn::ConvertTo(d, hn::BitCast(di, value)), hn::Set(d, 1.0F / 3));
    V root = hn::BitCast(d, hn::Add(hn::ConvertTo(di, third), hn::Set(di, 709921077)));
    for (int step = 0; step < 2; ++step) {
        const V cube = hn::Mul(hn::Mul(root, root), root);
        root = hn::Mul(root, hn::Div(hn::Add(hn::Add(value, value), cube), hn::Add(hn::Add(cube, cube), value)));
    }
    return root;
}

// XYB's constants: opsin absorbance and its bias.
constexpr float kBias = 0.0037930732552754493F;
constexpr float kAbsorbance[3][3] = {
    {0.30F, 1.0F - 0.078F - 0.30F, 0.078F},
    {0.23F, 1.0F - 0.078F - 0.23F, 0.078F},
    {0.24342268924547819F, 0.20476744424496821F, 1.0F - 0.24342268924547819F - 0.20476744424496821F}};

HWY_INLINE V absorbed(std::size_t cone, V red, V green, V blue) {
    const D d;
    const float(&share)[3] = kAbsorbance[cone];
    const V sum = hn::MulAdd(hn::Set(d, share[0]), red,
                             hn::MulAdd(hn::Set(d, share[1]), green, hn::MulAdd(hn::Set(d, share[2]), blue, hn::Set(d, kBias))));
    return hn::Sub(cube_root(sum), hn::Set(d, 0.15595420054924863F));  // cbrt(kBias)
}

void to_xyb(const std::array<const float*, 3>& linear, std::size_t width, Xyb out) {
    const D d;
    const V half = hn::Set(d, 0.5F);
    for (std::size_t x = 0; x < width; x += hn::Lanes(d)) {
        const V red = hn::LoadU(d, linear[0] + x), green = hn::LoadU(d, linear[1] + x), blue = hn::LoadU(d, linear[2] + x);
        const V l = absorbed(0, red, green, blue), m = absorbed(1, red, green, blue);
        const V brightness = hn::Mul(half, hn::Add(l, m));
        const auto store = [&](V value, float* row) {
            hn::StoreU(hn::IfThenElseZero(hn::FirstN(d, std::min(width - x, hn::Lanes(d))), value), d, row + x);
        };
        if (out.x != nullptr) store(hn::MulAdd(hn::Mul(half, hn::Sub(l, m)), hn::Set(d, 14.0F), hn::Set(d, 0.42F)), out.x);
        if (out.y != nullptr) store(hn::Add(brightness, hn::Set(d, 0.01F)), out.y);
        if (out.b != nullptr) {
            store(hn::Add(hn::Sub(absorbed(2, red, green, blue), brightness), hn::Set(d, 0.55F)), out.b);
        }
    }
}

void halve(const float* upper, const float* lower, std::size_t width, float* out) {
    const D d;
    for (std::size_t x = 0; x < width; x += hn::Lanes(d)) {
        V upper_even, upper_odd, lower_even, lower_odd;
        hn::LoadInterleaved2(d, upper + 2 * x, upper_even, upper_odd);
        hn::LoadInterleaved2(d, lower + 2 * x, lower_even, lower_odd);
        const V sum = hn::Add(hn::Add(upper_even, upper_odd), hn::Add(lower_even, lower_odd));
        hn::StoreU(hn::Mul(sum, hn::Set(d, 0.25F)), d, out + x);
    }
}

}  // namespace
}  // namespace selvage::transforms::quality::rows::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace selvage::transforms::quality::rows {

HWY_EXPORT(describe);
HWY_EXPORT(compare);
HWY_EXPORT(to_xyb);
HWY_EXPORT(halve);

Differences& Differences::operator+=(const Differences& other) {
    ssim += other.ssim;
    ssim_4 += other.ssim_4;
    added += other.added;
    added_4 += other.added_4;
    lost += other.lost;
    lost_4 += other.lost_4;
    return *this;
}

void describe(const Nine& reference, std::size_t width, float* mean, float* variance) {
    HWY_DYNAMIC_DISPATCH(describe)(reference, width, mean, variance);
}

Differences compare(const Nine& reference, const float* mean, const float* variance, const Nine& candidate, std::size_t width) {
    return HWY_DYNAMIC_DISPATCH(compare)(reference, mean, variance, candidate, width);
}

void to_xyb(const std::array<const float*, 3>& linear, std::size_t width, Xyb out) {
    HWY_DYNAMIC_DISPATCH(to_xyb)(linear, width, out);
}

void halve(const float* upper, const float* lower, std::size_t width, float* out) {
    HWY_DYNAMIC_DISPATCH(halve)(upper, lower, width, out);
}

}  // namespace selvage::transforms::quality::rows
#endif
