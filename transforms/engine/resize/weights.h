#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace selvage::transforms {

// Which places of a longer line make each place of a shorter one, and how much each counts: Lanczos with three lobes, widened by
// the factor, centre on centre (place x of the short line stands at (x + 0.5) · factor − 0.5 of the long one). Beyond an end the
// last place repeats. The same filter as vips_resize's, in 14 bits.
class Weights {
public:
    static constexpr int kBits = 14;  // a weight of 1 is 1 << kBits; the weights of a place add up to just that

    // `from` places, of which the picture covers `extent`: all but a part of the last one. 0 < to <= extent <= from, but for
    // rounding.
    Weights(std::uint32_t from, double extent, std::uint32_t to);

    struct Place {
        std::uint32_t first;                    // place of the long line that the first weight belongs to
        std::span<const std::int16_t> weights;  // for the places from there; an even number, the last one may be 0 and beyond
    };
    std::uint32_t size() const { return static_cast<std::uint32_t>(places_.size()); }
    Place place(std::uint32_t at) const {
        return {places_[at].first, std::span(weights_).subspan(places_[at].begin, places_[at].count)};
    }
    std::uint32_t most() const { return most_; }  // weights of one place

private:
    struct Row {
        std::uint32_t first, count;
        std::size_t begin;
    };
    std::vector<Row> places_;
    std::vector<std::int16_t> weights_;
    std::uint32_t most_ = 0;
};

}  // namespace selvage::transforms
