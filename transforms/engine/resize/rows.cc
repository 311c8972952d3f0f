#include "transforms/engine/resize/rows.h"

#include <algorithm>
#include <cstring>

#include "transforms/engine/resize/weights.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "transforms/engine/resize/rows.cc"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace selvage::transforms::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR  // a processor without vectors that we know

void weigh_rows(const std::uint8_t* const* rows, std::span<const std::int16_t> weights, std::size_t length, std::uint8_t* out) {
    for (std::size_t at = 0; at < length; ++at) {
        std::int32_t sum = 1 << (Weights::kBits - 1);
        for (std::size_t row = 0; row < weights.size(); ++row) sum += rows[row][at] * weights[row];
        out[at] = static_cast<std::uint8_t>(std::clamp(sum >> Weights::kBits, 0, 255));
    }
}

void turn_bytes(const std::uint8_t* in, std::size_t in_stride, std::size_t width, std::size_t height, std::uint8_t* out,
                std::size_t out_stride) {
    for (std::size_t y = 0; y < height; ++y) {
        for (std::size_t x = 0; x < width; ++x) out[x * out_stride + y] = in[y * in_stride + x];
    }
}

#else

namespace hn = hwy::HWY_NAMESPACE;

using Words = hn::ScalableTag<std::int16_t>;
using Sums = hn::RepartitionToWide<Words>;
using Bytes = hn::Rebind<std::uint8_t, Words>;

// Two neighbouring weights, as the multiplication takes them: the first for the even places.
HWY_INLINE hn::Vec<Words> pair_of(const std::int16_t* weights) {
    std::int32_t both = 0;
    std::memcpy(&both, weights, sizeof both);
    return hn::BitCast(Words(), hn::Set(Sums(), both));
}

HWY_INLINE hn::Vec<Words> words_at(const std::uint8_t* bytes) { return hn::PromoteTo(Words(), hn::LoadU(Bytes(), bytes)); }

// As many places as there are words in a vector.
HWY_INLINE void weigh_step(const std::uint8_t* const* rows, std::span<const std::int16_t> weights, std::size_t at,
                           std::uint8_t* out) {
    const Words words;
    const Sums sums;
    const auto half = hn::Set(sums, 1 << (Weights::kBits - 1));
    auto lower = half, upper = half, lower_rest = hn::Zero(sums), upper_rest = hn::Zero(sums);
    for (std::size_t row = 0; row < weights.size(); row += 2) {
        const auto first = words_at(rows[row] + at), second = words_at(rows[row + 1] + at);
        const auto weight = pair_of(weights.data() + row);
        lower = hn::ReorderWidenMulAccumulate(sums, hn::InterleaveLower(words, first, second), weight, lower, lower_rest);
        upper = hn::ReorderWidenMulAccumulate(sums, hn::InterleaveUpper(words, first, second), weight, upper, upper_rest);
    }
    const auto low = hn::ShiftRight<Weights::kBits>(hn::RearrangeToOddPlusEven(lower, lower_rest));
    const auto high = hn::ShiftRight<Weights::kBits>(hn::RearrangeToOddPlusEven(upper, upper_rest));
    // Packs within each 128 bits, just as the interleaving took them apart.
    hn::StoreU(hn::DemoteTo(Bytes(), hn::ReorderDemote2To(words, low, high)), Bytes(), out + at);
}

void weigh_rows(const std::uint8_t* const* rows, std::span<const std::int16_t> weights, std::size_t length, std::uint8_t* out) {
    for (std::size_t at = 0; at < length; at += hn::Lanes(Words())) weigh_step(rows, weights, at, out);
}

using Block = hn::FixedTag<std::uint8_t, 16>;

// Four times, every other row is shuffled into the one half a block before it: then places and rows have changed sides.
HWY_INLINE void turn_block(const std::uint8_t* in, std::size_t in_stride, std::uint8_t* out, std::size_t out_stride) {
    const Block block;
    hn::Vec<Block> lines[16], shuffled[16];
    for (std::size_t line = 0; line < 16; ++line) lines[line] = hn::LoadU(block, in + line * in_stride);
    for (int time = 0; time < 4; ++time) {
        for (std::size_t line = 0; line < 8; ++line) {
            shuffled[2 * line] = hn::InterleaveLower(block, lines[line], lines[line + 8]);
            shuffled[2 * line + 1] = hn::InterleaveUpper(block, lines[line], lines[line + 8]);
        }
        for (std::size_t line = 0; line < 16; ++line) lines[line] = shuffled[line];
    }
    for (std::size_t line = 0; line < 16; ++line) hn::StoreU(lines[line], block, out + line * out_stride);
}

void turn_bytes(const std::uint8_t* in, std::size_t in_stride, std::size_t width, std::size_t height, std::uint8_t* out,
                std::size_t out_stride) {
    for (std::size_t x = 0; x < width; x += 16) {
        for (std::size_t y = 0; y < height; y += 16) {
            turn_block(in + y * in_stride + x, in_stride, out + x * out_stride + y, out_stride);
        }
    }
}

#endif

}  // namespace
}  // namespace selvage::transforms::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace selvage::transforms {

HWY_EXPORT(weigh_rows);
HWY_EXPORT(turn_bytes);

void weigh_rows(const std::uint8_t* const* rows, std::span<const std::int16_t> weights, std::size_t length, std::uint8_t* out) {
    HWY_DYNAMIC_DISPATCH(weigh_rows)(rows, weights, length, out);
}

void turn_bytes(const std::uint8_t* in, std::size_t in_stride, std::size_t width, std::size_t height, std::uint8_t* out,
                std::size_t out_stride) {
    HWY_DYNAMIC_DISPATCH(turn_bytes)(in, in_stride, width, height, out, out_stride);
}

}  // namespace selvage::transforms
#endif
