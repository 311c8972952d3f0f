#include "transforms/engine/formats/jpeg_blocks.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "transforms/engine/formats/jpeg_trellis.h"

namespace selvage::transforms {
namespace {

constexpr std::size_t kUnit = 2 * DCTSIZE;  // of 4:2:0, in pixels

using Block = std::array<float, DCTSIZE2>;
using Cosines = std::array<std::array<float, DCTSIZE>, DCTSIZE>;

Cosines cosines() {
    Cosines table;
    for (std::size_t u = 0; u < DCTSIZE; ++u) {
        for (std::size_t k = 0; k < DCTSIZE; ++k) {
            const double angle = (2.0 * static_cast<double>(k) + 1) * static_cast<double>(u) * std::numbers::pi / 16;
            table[u][k] = static_cast<float>((u == 0 ? std::numbers::sqrt2 / 4 : 0.5) * std::cos(angle));
        }
    }
    return table;
}

// T.81 §A.3.3, as two multiplications by the cosines. The inner loops are written for the compiler to make vectors of.
Block transformed(const Block& samples, const Cosines& cosines) {
    Block columns{}, result{};
    for (std::size_t u = 0; u < DCTSIZE; ++u) {
        for (std::size_t k = 0; k < DCTSIZE; ++k) {
            for (std::size_t x = 0; x < DCTSIZE; ++x) columns[u * DCTSIZE + x] += cosines[u][k] * samples[k * DCTSIZE + x];
        }
    }
    for (std::size_t v = 0; v < DCTSIZE; ++v) {
        for (std::size_t k = 0; k < DCTSIZE; ++k) {
            const float factor = cosines[v][k];
            for (std::size_t u = 0; u < DCTSIZE; ++u) result[u * DCTSIZE + v] += factor * columns[u * DCTSIZE + k];
        }
    }
    return result;
}

// A unit's height of the picture in one component each, around zero; what lies beyond the picture repeats its edge.
struct Strip {
    explicit Strip(std::size_t across) : width(across), luma(kUnit * width), blue(luma.size() / 4), red(luma.size() / 4) {}

    std::size_t width;  // a multiple of kUnit
    std::vector<float> luma, blue, red;
};

// JFIF's colours; chroma is the mean of four pixels.
void fill(Strip& strip, const Pixels& pixels, std::size_t top) {
    std::ranges::fill(strip.blue, 0);
    std::ranges::fill(strip.red, 0);
    for (std::size_t y = 0; y < kUnit; ++y) {
        const std::uint8_t* row = pixels.row(std::min<std::size_t>(top + y, pixels.size.height - 1)).data();
        for (std::size_t x = 0; x < strip.width; ++x) {
            const std::uint8_t* pixel = row + pixels.bands * std::min<std::size_t>(x, pixels.size.width - 1);
            const float red = pixel[0], green = pixel[1], blue = pixel[2];
            const std::size_t half = y / 2 * (strip.width / 2) + x / 2;
            strip.luma[y * strip.width + x] = 0.299F * red + 0.587F * green + 0.114F * blue - 128;
            strip.blue[half] += 0.25F * (-0.168736F * red - 0.331264F * green + 0.5F * blue);
            strip.red[half] += 0.25F * (0.5F * red - 0.418688F * green - 0.081312F * blue);
        }
    }
}

class Component {
public:
    Component(BlockGrid& grid, const Quantising& how, std::size_t kind)
        : grid_(grid), steps_(how.tables[kind]), codes_(how.codes[kind]) {}

    void add(const std::vector<float>& samples, std::size_t width, const Cosines& cosines) {
        const std::size_t rows = samples.size() / width / DCTSIZE;
        for (std::size_t row = 0; row < rows; ++row) {
            for (std::size_t x = 0; x < width; x += DCTSIZE) {
                Block block;
                for (std::size_t y = 0; y < DCTSIZE; ++y) {
                    std::copy_n(samples.data() + (row * DCTSIZE + y) * width + x, DCTSIZE, block.data() + y * DCTSIZE);
                }
                quantise_block(transformed(block, cosines), steps_, codes_, grid_.blocks.emplace_back());
            }
        }
    }

private:
    BlockGrid& grid_;
    const std::array<std::uint16_t, DCTSIZE2>& steps_;
    const std::array<std::uint8_t, 256>& codes_;
};

}  // namespace

JpegBlocks jpeg_blocks(const Pixels& pixels, const Quantising& how) {
    static const Cosines kCosines = cosines();
    const std::size_t units_across = (pixels.size.width + kUnit - 1) / kUnit,
                      units_down = (pixels.size.height + kUnit - 1) / kUnit;
    JpegBlocks blocks;
    for (std::size_t component = 0; component < blocks.size(); ++component) {
        const std::size_t per_unit = component == 0 ? 2 : 1;
        blocks[component] = {.across = units_across * per_unit, .down = units_down * per_unit, .blocks = {}};
        blocks[component].blocks.reserve(blocks[component].across * blocks[component].down);
    }
    Component luma(blocks[0], how, 0), blue(blocks[1], how, 1), red(blocks[2], how, 1);
    Strip strip(units_across * kUnit);
    for (std::size_t unit = 0; unit < units_down; ++unit) {
        fill(strip, pixels, unit * kUnit);
        luma.add(strip.luma, strip.width, kCosines);
        blue.add(strip.blue, strip.width / 2, kCosines);
        red.add(strip.red, strip.width / 2, kCosines);
    }
    return blocks;
}

}  // namespace selvage::transforms
