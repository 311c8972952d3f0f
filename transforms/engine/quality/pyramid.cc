#include "transforms/engine/quality/pyramid.h"

#include <algorithm>
#include <cmath>

#include "transforms/engine/quality/rows.h"

namespace selvage::transforms::quality {
namespace {

using Linear = std::array<Plane, 3>;

// sRGB's transfer function over 8-bit values and the fifteen steps between each two, which mixing with a ground needs.
constexpr unsigned kSteps = 16;
using TransferTable = std::array<float, 255 * kSteps + 1>;

TransferTable transfer_table() {
    TransferTable table{};
    for (std::size_t index = 0; index < table.size(); ++index) {
        const double value = static_cast<double>(index) / (255 * kSteps);
        table[index] = static_cast<float>(value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4));
    }
    return table;
}

// The smallest picture that is judged as it is.
constexpr std::size_t kLeastSide = 8;

// One row's pixels → linear light, in the three rows.
class RowReader {
public:
    RowReader(const Pixels& pixels, float ground)
        : pixels_(pixels), has_alpha_(!is_opaque(pixels)), ground_(ground * 255 * kSteps) {}

    void read(std::size_t y, const std::array<float*, 3>& rows) const {
        const std::uint8_t* pixel = pixels_.row(std::min<std::size_t>(y, pixels_.size.height - 1)).data();
        for (std::size_t x = 0; x < pixels_.size.width; ++x, pixel += pixels_.bands) {
            for (std::size_t band = 0; band < 3; ++band) rows[band][x] = light(pixel, band);
        }
        // As far as a picture is widened, and one further where its width is odd.
        for (float* row : rows) std::fill_n(row + pixels_.size.width, kLeastSide, row[pixels_.size.width - 1]);
    }

private:
    float light(const std::uint8_t* pixel, std::size_t band) const {
        static const TransferTable kLight = transfer_table();
        if (!has_alpha_) return kLight[pixel[band] * kSteps];
        const float alpha = static_cast<float>(pixel[3]) / 255.0F;
        return kLight[static_cast<std::size_t>(alpha * static_cast<float>(pixel[band] * kSteps) + (1 - alpha) * ground_ + 0.5F)];
    }

    const Pixels& pixels_;
    bool has_alpha_;
    float ground_;
};

Linear linear_planes(std::size_t width, std::size_t height) {
    return {Plane(width, height), Plane(width, height), Plane(width, height)};
}

void halve_rows(const Linear& from, std::size_t upper, std::size_t lower, Linear& to, std::size_t y) {
    for (std::size_t band = 0; band < 3; ++band) {
        float* out = to[band].row(static_cast<std::ptrdiff_t>(y));
        const std::size_t width = to[band].width();
        rows::halve(from[band].row(static_cast<std::ptrdiff_t>(upper)), from[band].row(static_cast<std::ptrdiff_t>(lower)), width,
                    out);
        out[width] = out[width - 1];  // for the next halving of an odd width
    }
}

Linear halved(const Linear& from) {
    const std::size_t height = from[0].height();
    Linear to = linear_planes((from[0].width() + 1) / 2, (height + 1) / 2);
    for (std::size_t y = 0; y < to[0].height(); ++y) halve_rows(from, 2 * y, std::min(2 * y + 1, height - 1), to, y);
    return to;
}

void convert(const Linear& linear, Pyramid& pyramid, std::size_t scale) {
    const std::size_t width = linear[0].width(), height = linear[0].height();
    auto& planes = pyramid.planes[scale];
    for (std::size_t channel = 0; channel < kChannels; ++channel) {
        if (is_judged(static_cast<Channel>(channel), scale)) planes[channel] = Plane(width, height);
    }
    const auto row_of = [](Plane& plane, std::ptrdiff_t y) { return plane.width() == 0 ? nullptr : plane.row(y); };
    for (std::ptrdiff_t y = 0; y < static_cast<std::ptrdiff_t>(height); ++y) {
        rows::to_xyb({linear[0].row(y), linear[1].row(y), linear[2].row(y)}, width,
                     {row_of(planes[0], y), row_of(planes[1], y), row_of(planes[2], y)});
    }
}

// The finest scale, of which linear light is kept two rows at a time; returns the next one's.
Linear convert_finest(const Pixels& pixels, float ground, Pyramid& pyramid) {
    const std::size_t width = std::max<std::size_t>(pixels.size.width, kLeastSide);
    const std::size_t height = std::max<std::size_t>(pixels.size.height, kLeastSide);
    Plane& brightness = pyramid.planes[0][static_cast<std::size_t>(Channel::Y)] = Plane(width, height);
    const RowReader reader(pixels, ground);
    Linear pair = linear_planes(width, 2), next = linear_planes((width + 1) / 2, (height + 1) / 2);
    for (std::size_t y = 0; y < height; ++y) {
        const std::ptrdiff_t half = static_cast<std::ptrdiff_t>(y % 2);
        reader.read(y, {pair[0].row(half), pair[1].row(half), pair[2].row(half)});
        rows::to_xyb({pair[0].row(half), pair[1].row(half), pair[2].row(half)}, width,
                     {nullptr, brightness.row(static_cast<std::ptrdiff_t>(y)), nullptr});
        if (half == 1 || y + 1 == height) halve_rows(pair, 0, static_cast<std::size_t>(half), next, y / 2);
    }
    return next;
}

}  // namespace

Pyramid pyramid_of(const Pixels& pixels, float ground) {
    Pyramid pyramid;
    Linear linear = convert_finest(pixels, ground, pyramid);
    for (std::size_t scale = 1; scale < kScales; ++scale) {
        convert(linear, pyramid, scale);
        if (scale + 1 < kScales) linear = halved(linear);
    }
    return pyramid;
}

}  // namespace selvage::transforms::quality
