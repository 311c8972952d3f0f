#include "transforms/engine/formats/jpeg_trellis.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace selvage::transforms {
namespace {

// T.81 figure A.6: place in the zigzag → place in the block.
constexpr std::array<std::uint8_t, DCTSIZE2> kZigzag = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                                        12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                                        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                                        58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

constexpr int kLargest = 1023;  // that has a symbol: ten bits
constexpr int kEndOfBlock = 0x00, kSixteenZeros = 0xF0;

// What an error of one step costs in bits: the less, the busier the block is. mozjpeg's constants, for its block's scale.
float bits_per_distortion(std::span<const float, DCTSIZE2> coefficients) {
    constexpr float kNumerator = 27554.49F, kOffset = 92681.9F;  // 2^14.75, 2^16.5
    float energy = 0;
    for (std::size_t at = 1; at < DCTSIZE2; ++at) energy += coefficients[at] * coefficients[at];
    return kNumerator / (kOffset + energy * 64 / 63) * 64;
}

// The way so far, up to a coefficient that is not nothing.
struct Node {
    float cost = 0;
    std::uint8_t place = 0;   // in the zigzag; 0: the beginning
    std::uint8_t before = 0;  // which node
    std::int16_t value = 0;
};

class Trellis {
public:
    Trellis(std::span<const float, DCTSIZE2> coefficients, std::span<const std::uint16_t, DCTSIZE2> steps,
            std::span<const std::uint8_t, 256> codes)
        : codes_(codes), weight_(bits_per_distortion(coefficients)) {
        for (std::size_t place = 1; place < DCTSIZE2; ++place) {
            const std::size_t at = kZigzag[place];
            exact_[place] = coefficients[at] / static_cast<float>(steps[at]);
            zeroed_[place] = zeroed_[place - 1] + weight_ * exact_[place] * exact_[place];
        }
    }

    void solve(std::span<JCOEF, DCTSIZE2> out) {
        for (std::size_t place = 1; place < DCTSIZE2; ++place) {
            const int nearest = std::min(static_cast<int>(std::lrint(std::fabs(exact_[place]))), kLargest);
            if (nearest != 0) nodes_[count_++] = best_way_to(place, nearest);
        }
        for (std::size_t node = best_end(); node != 0; node = nodes_[node].before) {
            out[kZigzag[nodes_[node].place]] = nodes_[node].value;
        }
    }

private:
    // The nearest value, and those that need a bit less each.
    Node best_way_to(std::size_t place, int nearest) const {
        Node best{.cost = std::numeric_limits<float>::max(), .place = static_cast<std::uint8_t>(place)};
        for (int value = nearest; value > 0;) {
            try_value(place, value, best);
            value = static_cast<int>(std::bit_floor(static_cast<unsigned>(value))) - 1;
        }
        if (exact_[place] < 0) best.value = static_cast<std::int16_t>(-best.value);
        return best;
    }

    void try_value(std::size_t place, int value, Node& best) const {
        const float error = std::fabs(exact_[place]) - static_cast<float>(value);
        const float own = weight_ * error * error;
        const auto size = static_cast<unsigned>(std::bit_width(static_cast<unsigned>(value)));
        for (std::size_t from = count_; from-- > 0;) {
            const std::size_t run = place - 1 - nodes_[from].place;
            const float skipped = zeroed_[place - 1] - zeroed_[nodes_[from].place];
            if (own + skipped > best.cost) return;  // from farther back it is more
            const auto bits = size + run / 16 * codes_[kSixteenZeros] + codes_[run % 16 << 4 | size];
            const float cost = nodes_[from].cost + skipped + own + static_cast<float>(bits);
            if (cost >= best.cost) continue;
            best.cost = cost;
            best.before = static_cast<std::uint8_t>(from);
            best.value = static_cast<std::int16_t>(value);
        }
    }

    std::size_t best_end() const {
        float least = std::numeric_limits<float>::max();
        std::size_t best = 0;
        for (std::size_t node = 0; node < count_; ++node) {
            const std::size_t place = nodes_[node].place;
            const float end = place + 1 < DCTSIZE2 ? codes_[kEndOfBlock] : 0.0F;
            const float cost = nodes_[node].cost + zeroed_[DCTSIZE2 - 1] - zeroed_[place] + end;
            if (cost >= least) continue;
            least = cost;
            best = node;
        }
        return best;
    }

    std::span<const std::uint8_t, 256> codes_;
    float weight_;
    std::array<float, DCTSIZE2> exact_{};   // in steps, by place
    std::array<float, DCTSIZE2> zeroed_{};  // what it costs to leave out all up to a place
    std::array<Node, DCTSIZE2> nodes_{};    // the first is the beginning
    std::size_t count_ = 1;
};

}  // namespace

void quantise_block(std::span<const float, DCTSIZE2> coefficients, std::span<const std::uint16_t, DCTSIZE2> steps,
                    std::span<const std::uint8_t, 256> codes, std::span<JCOEF, DCTSIZE2> out) {
    for (JCOEF& value : out) value = 0;
    out[0] = static_cast<JCOEF>(std::lrint(coefficients[0] / static_cast<float>(steps[0])));
    Trellis(coefficients, steps, codes).solve(out);
}

}  // namespace selvage::transforms
