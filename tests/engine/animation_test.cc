#include <catch2/catch.hpp>

#include <vector>

#include "tests/engine/pictures.h"

namespace selvage::transforms::test {
namespace {

// Red, green, blue, each as long as its number says.
Image traffic_light(int width, int height) {
    return strip_of({solid(width, height, kRed), solid(width, height, kGreen), solid(width, height, kBlue)}, {100, 200, 300}, 3);
}

void check_moves(const Seen& picture, int tolerance) {
    CHECK(picture.frames() == 3);
    CHECK(picture.delays() == std::vector<int>{100, 200, 300});
    CHECK(picture.number("loop") == 3);
    const int x = picture.width() / 2;
    for (const int y : {0, picture.height() / 2, picture.height() - 1}) {  // no frame bleeds into the next
        INFO("row " << y);
        CHECK(distance(picture.at(x, y, 0), kRed) <= tolerance);
        CHECK(distance(picture.at(x, y, 1), kGreen) <= tolerance);
        CHECK(distance(picture.at(x, y, 2), kBlue) <= tolerance);
    }
}

}  // namespace

SCENARIO("animated GIF and WebP stay animated") {
    for (const char* suffix : {".gif", ".webp[lossless]"}) {
        const std::string source = saved(traffic_light(60, 40), suffix);
        for (const Format out : {Format::Gif, Format::Webp}) {
            INFO(suffix << " to " << row_of(out).name);
            const int tolerance = out == Format::Gif ? 0 : 40;  // 4:2:0
            check_moves(seen(source, out == Format::Gif ? "fm=gif" : "fm=webp", out), tolerance);
            const Seen small = seen(source, "w=30", out);
            CHECK(small.height() == 20);
            check_moves(small, tolerance);
            check_moves(seen(source, "w=20&h=20&fit=cover", out), tolerance);
            const Seen turned = seen(source, "w=30&rot=90", out);
            CHECK(turned.width() == 20);
            check_moves(turned, tolerance);
        }
        const auto output = rendered(source, "w=30", Format::Webp);
        CHECK(output->frames == 3);
        CHECK(output->source_height == 40);
    }
}

SCENARIO("smart crop keeps its place from frame to frame") {
    const Image flat = solid(120, 40, kGrey), thing = quadrants(20, 20);
    const auto scene = [&](int x) {
        return made("insert", [&](VipsImage** out) { return vips_insert(flat.get(), thing.get(), out, x, 10, nullptr); }).value();
    };
    const std::string source = saved(strip_of({scene(95), scene(5)}, {100, 100}, 0), ".gif");
    const Seen picture = seen(source, "w=40&h=40&fit=cover&g=smart", Format::Gif);
    const auto coloured = [&](int frame) {
        int count = 0;
        for (int x = 0; x < 40; ++x) count += distance(picture.at(x, 20, frame), kGrey) > 40;
        return count;
    };
    CHECK(coloured(0) >= 18);
    CHECK(coloured(1) == 0);
}

SCENARIO("anim=0 and formats without movement show the first frame") {
    const std::string source = saved(traffic_light(60, 40), ".gif");
    const auto first = [&](const char* query, Format out) {
        const auto output = rendered(source, query, out);
        REQUIRE(output);
        CHECK(output->frames == 1);
        const Seen picture(output->bytes);
        CHECK(picture.frames() == 1);
        CHECK(picture.height() == static_cast<int>(output->height));
        CHECK(distance(picture.at(5, 5), kRed) <= 12);
    };
    first("w=30&anim=0", Format::Gif);
    first("w=30&anim=0", Format::Webp);
    first("w=30&anim=0", Format::Avif);
    for (const Format out : {Format::Jpeg, Format::Png}) first("w=30", out);
}

SCENARIO("an animation of too many frames or pixels is refused") {  // image-urls §3
    const std::string source = saved(traffic_light(60, 40), ".gif");
    worker::Limits limits = kLimits;
    limits.frames = 2;
    CHECK(rendered(source, "w=30", Format::Webp, limits).error().code == "too_many_frames");
    CHECK(rendered(source, "w=30&anim=0", Format::Webp, limits));
    limits = kLimits;
    limits.animation_pixels = 3 * 60 * 40 - 1;
    CHECK(rendered(source, "w=30", Format::Webp, limits).error().code == "animation_pixels");
    CHECK(rendered(source, "w=30", Format::Webp, limits).error().kind == ErrorKind::Unprocessable);
    THEN("and so is one that would become too large") {
        limits.animation_pixels = 3 * 60 * 40;
        limits.animation_output_pixels = 3 * 100 * 100 - 1;
        CHECK(rendered(source, "w=100&h=100&fit=pad", Format::Webp, limits).error().code == "animation_output_pixels");
        CHECK(rendered(source, "w=200&up=1", Format::Webp, limits).error().kind == ErrorKind::TooLarge);
        CHECK(rendered(source, "w=100&h=100&fit=pad&anim=0", Format::Webp, limits));
        limits.animation_output_pixels += 1;  // and may be larger than what it is made of
        CHECK(rendered(source, "w=100&h=100&fit=pad", Format::Webp, limits)->frames == 3);
    }
}

}  // namespace selvage::transforms::test
