#include "transforms/engine/geometry.h"

#include <catch2/catch.hpp>

#include <ostream>

#include "transforms/dialects/canonical.h"

namespace selvage::transforms {

static std::ostream& operator<<(std::ostream& out, Size size) { return out << size.width << "x" << size.height; }
static std::ostream& operator<<(std::ostream& out, Offset at) { return out << at.left << "," << at.top; }

namespace {

Plan plan_of(std::string_view query) { return parse_canonical(query, {}).value().value().plan; }

Geometry geometry(std::string_view query, Size source) { return geometry_of(plan_of(query), source); }

// The size of the response's image.
Size size(std::string_view query, Size source) { return output_size(geometry(query, source), plan_of(query)); }

constexpr Size kPhoto{3000, 2000};
constexpr Size kIcon{48, 32};

}  // namespace

SCENARIO("fit=inside: the whole image inside the box") {  // image-urls §1.2, the table of fit
    CHECK(size("w=640", kPhoto) == Size{640, 427});
    CHECK(size("h=100", kPhoto) == Size{150, 100});
    CHECK(size("w=300&h=300", kPhoto) == Size{300, 200});
    CHECK(size("w=1000&h=100", kPhoto) == Size{150, 100});
    THEN("a smaller source is unchanged") { CHECK(size("w=640&h=640", kIcon) == kIcon); }
    THEN("up=1 enlarges it until it touches the box") { CHECK(size("w=96&h=96&up=1", kIcon) == Size{96, 64}); }
}

SCENARIO("fit=cover: the exact ratio of the box, overflow cropped") {
    CHECK(geometry("w=300&h=300&fit=cover", kPhoto) == Geometry{{450, 300}, {300, 300}, {300, 300}});
    CHECK(geometry("w=300&h=100&fit=cover", kPhoto) == Geometry{{300, 200}, {300, 100}, {300, 100}});
    THEN("the box shrinks proportionally until it fits into a smaller source, ratio kept") {
        CHECK(geometry("w=100&h=100&fit=cover", kIcon) == Geometry{kIcon, {32, 32}, {32, 32}});
        CHECK(geometry("w=400&h=100&fit=cover", kIcon) == Geometry{kIcon, {48, 12}, {48, 12}});
        CHECK(geometry("w=100&h=100&fit=cover", {200, 40}) == Geometry{{200, 40}, {40, 40}, {40, 40}});
    }
    THEN("up=1 gives exactly w×h") { CHECK(size("w=100&h=100&fit=cover&up=1", kIcon) == Size{100, 100}); }
    THEN("one side alone crops nothing") { CHECK(size("w=640&fit=cover", kPhoto) == Size{640, 427}); }
}

SCENARIO("fit=crop: cover if the source covers the box in both dimensions, else like inside") {
    CHECK(size("w=300&h=300&fit=crop", kPhoto) == Size{300, 300});
    CHECK(size("w=100&h=100&fit=crop", kIcon) == kIcon);
    CHECK(size("w=100&h=20&fit=crop", {200, 16}) == Size{100, 8});
    THEN("up=1 is cover with up=1") { CHECK(size("w=100&h=100&fit=crop&up=1", kIcon) == Size{100, 100}); }
}

SCENARIO("fit=pad: the whole image on an exact w×h canvas") {
    CHECK(geometry("w=300&h=300&fit=pad", kPhoto) == Geometry{{300, 200}, {300, 200}, {300, 300}});
    THEN("a smaller image is not enlarged, the canvas is still exact") {
        CHECK(geometry("w=100&h=100&fit=pad", kIcon) == Geometry{kIcon, kIcon, {100, 100}});
    }
    THEN("up=1 enlarges the image until it touches") {
        CHECK(geometry("w=96&h=96&fit=pad&up=1", kIcon) == Geometry{{96, 64}, {96, 64}, {96, 96}});
    }
}

SCENARIO("fit=outside: the smallest scale covering the box, no crop") {
    CHECK(size("w=300&h=300&fit=outside", kPhoto) == Size{450, 300});
    CHECK(size("w=100&h=100&fit=outside", kIcon) == kIcon);
    CHECK(size("w=96&h=96&fit=outside&up=1", kIcon) == Size{144, 96});
}

SCENARIO("fit=stretch: exactly w×h, ratio ignored") {
    CHECK(size("w=300&h=300&fit=stretch", kPhoto) == Size{300, 300});
    THEN("both factors are capped at 1 by the same amount") {
        CHECK(size("w=96&h=32&fit=stretch", kIcon) == Size{48, 16});
        CHECK(size("w=96&h=96&fit=stretch", kIcon) == Size{32, 32});
    }
    THEN("up=1 gives exactly w×h") { CHECK(size("w=96&h=96&fit=stretch&up=1", kIcon) == Size{96, 96}); }
}

SCENARIO("sizes round half up, never below one pixel") {
    CHECK(size("w=100", {200, 101}) == Size{100, 51});  // 50.5
    CHECK(size("w=50", {300, 9}) == Size{50, 2});       // 1.5, though 50/300 is no binary fraction
    CHECK(size("w=640", {10000, 16}) == Size{640, 1});  // the missing side does not constrain by its rounding
    CHECK(size("w=10", {5000, 10}) == Size{10, 1});
    CHECK(size("w=640", {3088, 2056}) == Size{640, 426});
}

SCENARIO("enlarging ends at four times and at 24 megapixels") {  // image-urls §3
    CHECK(size("w=2000&up=1", kIcon) == Size{192, 128});
    CHECK(size("w=2000&h=2000&fit=cover&up=1", kIcon) == Size{128, 128});
    CHECK(size("w=960&h=320&fit=stretch&up=1", kIcon) == Size{192, 64});
    const Size large = size("w=8000&h=8000&up=1", {5000, 4000});
    CHECK(large.area() <= 24'010'000);
    CHECK(large.width > 5400);
    THEN("a source that is larger already keeps its size") { CHECK(size("w=8000&up=1", {7000, 5000}) == Size{7000, 5000}); }
    THEN("pad enlarges the image so far, and the canvas is exact") {
        CHECK(geometry("w=1000&h=1000&fit=pad&up=1", kIcon) == Geometry{{192, 128}, {192, 128}, {1000, 1000}});
    }
    THEN("or where else it is said to") {
        const auto up_to = [](std::string_view query, Enlarging enlarging) {
            return geometry_of(plan_of(query), kIcon, enlarging).canvas;
        };
        CHECK(up_to("w=2000&up=1", {.times = 10}) == Size{480, 320});
        CHECK(up_to("w=2000&up=1", {.times = 10, .pixels = 4 * 48 * 32}) == Size{96, 64});
        CHECK(up_to("w=2000&up=1", {.times = 1}) == kIcon);
        CHECK(up_to("w=2000", {.times = 10}) == kIcon);
    }
}

SCENARIO("rotation turns the finished size") {
    CHECK(size("w=300&rot=90", kPhoto) == Size{200, 300});
    CHECK(size("w=300&h=100&fit=cover&rot=270", kPhoto) == Size{100, 300});
    CHECK(size("w=300&rot=180", kPhoto) == Size{300, 200});
}

SCENARIO("gravity places a window") {
    const auto at = [](std::string_view g) { return place(plan_of("w=1&g=" + std::string(g)), {20, 10}, {100, 50}); };
    CHECK(at("center") == Offset{40, 20});
    CHECK(at("top") == Offset{40, 0});
    CHECK(at("bottom") == Offset{40, 40});
    CHECK(at("left") == Offset{0, 20});
    CHECK(at("right") == Offset{80, 20});
    CHECK(at("top-left") == Offset{0, 0});
    CHECK(at("top-right") == Offset{80, 0});
    CHECK(at("bottom-left") == Offset{0, 40});
    CHECK(at("bottom-right") == Offset{80, 40});
    THEN("a focal point is centred as far as the edges allow") {
        CHECK(at("0.5,0.5") == Offset{40, 20});
        CHECK(at("0.3,0.4") == Offset{20, 15});
        CHECK(at("0,0") == Offset{0, 0});
        CHECK(at("1,1") == Offset{80, 40});
    }
}

}  // namespace selvage::transforms
