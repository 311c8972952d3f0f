#include "transforms/engine/resize/shrinker.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "tests/engine/pictures.h"

namespace selvage::transforms::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes shrunk(const Bytes& in, Size from, Extent covered, Size to, Shrinker::Layout layout) {
    Bytes out(to.area() * static_cast<std::size_t>(layout.bands));
    Shrinker shrinker(from, covered, to, layout, out.data());
    const std::size_t stride = std::size_t{from.width} * static_cast<std::size_t>(layout.bands);
    for (std::size_t row = 0; row < from.height; ++row) shrinker.add(in.data() + row * stride);
    return out;
}

Bytes shrunk(const Bytes& in, Size from, Size to, int bands) {
    return shrunk(in, from, whole_extent(from), to, {.bands = bands, .weighted = false});
}

// Numbers that look like noise, the same in every run.
Bytes noise(std::size_t size) {
    Bytes bytes(size);
    std::uint32_t state = 1;
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
    return bytes;
}

// The filter as its definition says, without any of the haste.
double lanczos(double x) {
    const auto sinc = [](double at) { return at == 0 ? 1 : std::sin(std::numbers::pi * at) / (std::numbers::pi * at); };
    return std::abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
}

std::vector<double> line_by_definition(const std::vector<double>& in, std::size_t to) {
    const double factor = static_cast<double>(in.size()) / static_cast<double>(to);
    const auto last = static_cast<std::int64_t>(in.size()) - 1;
    std::vector<double> out(to);
    for (std::size_t place = 0; place < to; ++place) {
        const double centre = (static_cast<double>(place) + 0.5) * factor - 0.5;
        double sum = 0, weights = 0;
        for (auto at = static_cast<std::int64_t>(centre - 3 * factor) - 2;
             at <= static_cast<std::int64_t>(centre + 3 * factor) + 2; ++at) {
            const double weight = lanczos((static_cast<double>(at) - centre) / factor);
            sum += weight * in[static_cast<std::size_t>(std::clamp<std::int64_t>(at, 0, last))];
            weights += weight;
        }
        out[place] = sum / weights;
    }
    return out;
}

}  // namespace

SCENARIO("a shrunk line is what the filter's definition says, to a level") {
    for (const auto& [from, to] : {std::pair{100U, 37U}, {1000U, 999U}, {640U, 320U}, {777U, 3U}, {65U, 1U}, {50U, 50U}}) {
        const Bytes in = noise(from);
        const std::vector<double> exact = line_by_definition({in.begin(), in.end()}, to);
        const Bytes across = shrunk(in, {from, 1}, {to, 1}, 1), down = shrunk(in, {1, from}, {1, to}, 1);
        INFO(from << " to " << to);
        for (std::size_t at = 0; at < to; ++at) {
            const double wanted = std::clamp(exact[at], 0.0, 255.0);
            CHECK(std::abs(across[at] - wanted) <= 1);
            CHECK(std::abs(down[at] - wanted) <= 1);
        }
    }
}

SCENARIO("rows and columns are treated alike, whatever the size and the number of bands") {
    for (const int bands : {1, 2, 3, 4}) {
        const Size from{131, 217}, to{48, 79};
        const auto pixel = static_cast<std::size_t>(bands);
        Bytes in = noise(from.area() * pixel);
        for (std::uint8_t& byte : in) byte = static_cast<std::uint8_t>(64 + byte / 2);  // between the passes nothing is clamped
        Bytes turned(in.size());
        for (std::size_t y = 0; y < from.height; ++y) {
            for (std::size_t x = 0; x < from.width; ++x) {
                std::copy_n(&in[(y * from.width + x) * pixel], bands, &turned[(x * from.height + y) * pixel]);
            }
        }
        const Bytes upright = shrunk(in, from, to, bands), lying = shrunk(turned, from.transposed(), to.transposed(), bands);
        int worst = 0;
        for (std::size_t y = 0; y < to.height; ++y) {
            for (std::size_t x = 0; x < to.width; ++x) {
                for (std::size_t band = 0; band < pixel; ++band) {
                    worst = std::max(
                        worst, std::abs(upright[(y * to.width + x) * pixel + band] - lying[(x * to.height + y) * pixel + band]));
                }
            }
        }
        CHECK(worst <= 2);  // rounding after the first pass
    }
}

SCENARIO("a plain area stays what it is") {
    for (const int value : {0, 1, 77, 128, 254, 255}) {
        const Bytes in(300 * 200 * 3, static_cast<std::uint8_t>(value));
        CHECK(std::ranges::all_of(shrunk(in, {300, 200}, {71, 13}, 3), [&](int byte) { return byte == value; }));
    }
}

SCENARIO("what is invisible does not shine into its neighbours") {
    Bytes in;  // opaque black beside invisible white
    for (int pixel = 0; pixel < 64; ++pixel)
        in.insert(in.end(), pixel < 32 ? std::initializer_list<std::uint8_t>{0, 0, 0, 255}
                                       : std::initializer_list<std::uint8_t>{255, 255, 255, 0});
    const Bytes out = shrunk(in, {64, 1}, whole_extent({64, 1}), {9, 1}, {.bands = 4, .weighted = true});
    for (std::size_t pixel = 0; pixel < 9; ++pixel) CHECK(out[pixel * 4] == 0);
    CHECK(out[3] == 255);
    CHECK(out[35] == 0);
}

SCENARIO("a last pixel that is half beyond the edge shifts nothing") {
    Bytes ramp(101);  // 100.5 pixels of a ramp
    for (std::size_t at = 0; at < ramp.size(); ++at) ramp[at] = static_cast<std::uint8_t>(2 * at);
    const Bytes out = shrunk(ramp, {101, 1}, {100.5, 1}, {25, 1}, {.bands = 1, .weighted = false});
    for (std::size_t at = 2; at < 23; ++at) {
        const double centre = (static_cast<double>(at) + 0.5) * 100.5 / 25 - 0.5;
        CHECK(std::abs(out[at] - 2 * centre) <= 1);
    }
}

}  // namespace selvage::transforms::test
