#include "transforms/engine/resize/alpha_rows.h"

#include <algorithm>

namespace selvage::transforms {
namespace {

// The nearest whole of value / 255, for value up to 255².
std::uint8_t by_255(unsigned value) { return static_cast<std::uint8_t>((value + 128 + ((value + 128) >> 8)) >> 8); }

template <std::size_t Colours>
void weigh(const std::uint8_t* row, std::size_t width, std::uint8_t* out) {
    for (std::size_t pixel = 0; pixel < width; ++pixel, row += Colours + 1, out += Colours + 1) {
        const unsigned alpha = row[Colours];
        for (std::size_t band = 0; band < Colours; ++band) out[band] = by_255(row[band] * alpha);
        out[Colours] = row[Colours];
    }
}

template <std::size_t Colours>
void unweigh(std::uint8_t* row, std::size_t width) {
    for (std::size_t pixel = 0; pixel < width; ++pixel, row += Colours + 1) {
        const unsigned alpha = row[Colours];
        if (alpha == 255) continue;
        for (std::size_t band = 0; band < Colours; ++band) {
            row[band] = alpha == 0 ? 0 : static_cast<std::uint8_t>(std::min(255U, (row[band] * 255U + alpha / 2) / alpha));
        }
    }
}

}  // namespace

void weigh_by_alpha(const std::uint8_t* row, std::size_t width, int bands, std::uint8_t* out) {
    if (bands == 4) return weigh<3>(row, width, out);
    weigh<1>(row, width, out);
}

void unweigh_by_alpha(std::uint8_t* row, std::size_t width, int bands) {
    if (bands == 4) return unweigh<3>(row, width);
    unweigh<1>(row, width);
}

}  // namespace selvage::transforms
