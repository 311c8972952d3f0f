#include "transforms/engine/formats/jpeg_trellis.h"

#include <catch2/catch.hpp>

#include <array>
#include <cmath>

#include "tests/engine/quality_pictures.h"
#include "transforms/engine/formats/encoder.h"

namespace selvage::transforms::test {
namespace {

using Coefficients = std::array<float, DCTSIZE2>;
using Values = std::array<JCOEF, DCTSIZE2>;

// All steps are 10; a symbol costs two bits and one for each of its run and size.
Values quantised(const Coefficients& coefficients) {
    std::array<std::uint16_t, DCTSIZE2> steps;
    steps.fill(10);
    std::array<std::uint8_t, 256> codes{};
    for (std::size_t symbol = 0; symbol < codes.size(); ++symbol) {
        codes[symbol] = static_cast<std::uint8_t>(2 + symbol / 16 + symbol % 16);
    }
    Values out;
    out.fill(77);
    quantise_block(coefficients, steps, codes, out);
    return out;
}

std::string encoded_with(const Image& image, unsigned quality, ImageEffort effort) {
    return encode_jpeg(image,
                       {.quality = quality, .effort = effort, .frame = {image.width(), image.height()}, .keep_metadata = false})
        .value();
}

// Noise whose strength falls with its frequency, as in photographs: the sum of ever finer, ever weaker random lattices.
double cloud(int x, int y) {
    double value = 0;
    for (int cell = 64; cell >= 2; cell /= 2) {
        const double across = static_cast<double>(x % cell) / cell, down = static_cast<double>(y % cell) / cell;
        const int left = x / cell, top = y / cell;
        const double above = dust(left + cell, top) * (1 - across) + dust(left + 1 + cell, top) * across;
        const double below = dust(left + cell, top + 1) * (1 - across) + dust(left + 1 + cell, top + 1) * across;
        value += std::sqrt(cell / 64.0) * (above * (1 - down) + below * down);
    }
    return value / 2.5;
}

Image clouds(int width, int height) {
    return painted(width, height, 3, [](int x, int y) {
        const double light = cloud(x, y), warm = cloud(x + 1000, y + 500);
        const auto level = [](double value) { return static_cast<int>(std::fmin(255, std::fmax(0, 255 * value))); };
        return Colour{level(light * 0.7 + warm * 0.3), level(light), level(light * 0.8 + 0.2 - warm * 0.2), 255};
    });
}

}  // namespace

SCENARIO("a block's coefficients are rounded where it pays") {
    CHECK(quantised({}) == Values{});
    Coefficients block{};
    block[0] = -237;
    CHECK(quantised(block)[0] == -24);  // the mean is rounded as it is
    THEN("what is large stays what it is, with its sign") {
        block[1] = 404;
        block[8] = -296;
        CHECK(quantised(block)[1] == 40);
        CHECK(quantised(block)[8] == -30);
    }
    THEN("a small one far out is left out, beside others it stays") {
        block[63] = 6;  // nearest: 1
        CHECK(quantised(block)[63] == 0);
        block.fill(0);
        block[1] = 14;
        CHECK(quantised(block)[1] == 1);
    }
    THEN("none is larger than a symbol can say") {
        block[1] = 1e6F;
        block[2] = -1e6F;
        CHECK(quantised(block)[1] == 1023);
        CHECK(quantised(block)[2] == -1023);
    }
}

SCENARIO("what nobody waits for is smaller and no worse") {
    const Image picture = clouds(501, 333);  // no multiple of sixteen
    for (const unsigned quality : {40U, 60U, 80U}) {
        const std::string usual = encoded_with(picture, quality, ImageEffort::Usual);
        const std::string best = encoded_with(picture, quality, ImageEffort::Best);
        INFO("quality " << quality << ": " << usual.size() << " and " << best.size() << " bytes");
        CHECK(static_cast<double>(best.size()) < 0.95 * static_cast<double>(usual.size()));
        CHECK(score(picture, best) > score(picture, usual) - 0.5);
    }
    THEN("also at the ends of the scale") {
        CHECK(score(picture, encoded_with(picture, 100, ImageEffort::Best)) > 80);
        CHECK(encoded_with(picture, 1, ImageEffort::Best).size() < encoded_with(picture, 40, ImageEffort::Best).size());
    }
}

}  // namespace selvage::transforms::test
