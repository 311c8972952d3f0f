#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/engine/pictures.h"
#include "transforms/engine/formats/encoder.h"
#include "transforms/engine/formats/pixels.h"
#include "transforms/probe.h"

namespace selvage::transforms::test {
namespace {

Result<Output> ordered(std::string_view source, Format out, ImageEffort effort, unsigned quality = 55) {
    return engine().render(source, {.format = out, .quality = quality, .effort = effort}, kLimits);
}

// Something to compress: soft noise, in colour.
Image texture(int width, int height) {
    const Image noise = made("noise", [&](VipsImage** out) {
                            return vips_perlin(out, width, height, "cell_size", 16, "seed", 7, nullptr);
                        }).value();
    const Image bright = made("scale", [&](VipsImage** out) {
                             return vips_linear1(noise.get(), out, 90.0, 128.0, "uchar", TRUE, nullptr);
                         }).value();
    const Image turned =
        made("flip", [&](VipsImage** out) { return vips_flip(bright.get(), out, VIPS_DIRECTION_HORIZONTAL, nullptr); }).value();
    VipsImage* bands[] = {bright.get(), turned.get(), bright.get()};
    const Image joined = made("join", [&](VipsImage** out) { return vips_bandjoin(bands, out, 3, nullptr); }).value();
    return made(
               "srgb",
               [&](VipsImage** out) { return vips_copy(joined.get(), out, "interpretation", VIPS_INTERPRETATION_sRGB, nullptr); })
        .value();
}

Image striped(int width, int height, Colour left, Colour right) {
    Image image = solid(width, height, left);
    const Image bar = solid(3, height, right);
    for (int x = 1; x + 3 < width; x += 12) {
        image = made("insert", [&](VipsImage** out) { return vips_insert(image.get(), bar.get(), out, x, 0, nullptr); }).value();
    }
    return in_memory(image).value();
}

bool graphic(const Image& image) {
    const Image pixels = in_memory(image).value();
    return is_graphic(frame_pixels(pixels, {pixels.width(), pixels.height()}).value());
}

bool opaque(const Image& image) {
    const Image pixels = in_memory(image).value();
    return is_opaque(frame_pixels(pixels, {pixels.width(), pixels.height()}).value());
}

Image light(int width, int height) {
    return strip_of({solid(width, height, kRed), solid(width, height, kGreen), solid(width, height, kBlue)}, {100, 200, 300}, 0);
}

void check_light(const Seen& picture) {
    CHECK(picture.frames() == 3);
    CHECK(picture.delays() == std::vector<int>{100, 200, 300});
    const int x = picture.width() / 2, y = picture.height() / 2;
    CHECK(distance(picture.at(x, y, 0), kRed) <= 12);
    CHECK(distance(picture.at(x, y, 1), kGreen) <= 12);
    CHECK(distance(picture.at(x, y, 2), kBlue) <= 12);
}

}  // namespace

SCENARIO("an AVIF of any size, odd ones too, has that size and its colours") {
    for (const int width : {1, 2, 17, 63, 64, 65, 130}) {
        for (const int height : {1, 3, 33, 64, 101}) {
            const auto output = rendered(saved(solid(width, height, {200, 90, 30, 255}), ".png"), "fm=avif", Format::Avif);
            INFO(width << "x" << height);
            REQUIRE(output);
            const auto found = probe(output->bytes);
            REQUIRE(found);
            CHECK(static_cast<int>(found->width) == width);
            CHECK(static_cast<int>(found->height) == height);
            CHECK_FALSE(found->animated);
            const Seen picture(output->bytes);
            CHECK(picture.width() == width);
            CHECK(picture.height() == height);
            CHECK(distance(picture.at(width - 1, height - 1), {200, 90, 30, 255}) <= 8);
        }
    }
}

SCENARIO("more effort is fewer bytes") {  // image-engine §3
    const std::string source = saved(texture(400, 300), ".png");
    const auto fast = ordered(source, Format::Avif, ImageEffort::Fast), usual = ordered(source, Format::Avif, ImageEffort::Usual),
               best = ordered(source, Format::Avif, ImageEffort::Best);
    REQUIRE(fast);
    REQUIRE(usual);
    REQUIRE(best);
    CHECK(best->bytes.size() < usual->bytes.size());
    CHECK(usual->bytes.size() != fast->bytes.size());
    for (const Format format : {Format::Jpeg, Format::Png, Format::Webp, Format::Avif, Format::Gif}) {
        INFO(row_of(format).name);
        const auto usually = ordered(source, format, ImageEffort::Usual, 75),
                   finally = ordered(source, format, ImageEffort::Best, 75);
        REQUIRE(usually);
        REQUIRE(finally);
        CHECK((usually->bytes == finally->bytes) == is_final(format, ImageEffort::Usual));
    }
}

SCENARIO("an alpha that hides nothing is not encoded") {
    const Image clear = solid(40, 30, {200, 40, 20, 128});
    CHECK_FALSE(opaque(clear));
    const Image full =
        made("alpha", [](VipsImage** out) { return vips_addalpha(solid(40, 30, kRed).get(), out, nullptr); }).value();
    CHECK(opaque(full));
    CHECK_FALSE(probe(rendered(saved(full, ".png"), "fm=avif", Format::Avif)->bytes)->alpha);
    CHECK(probe(rendered(saved(clear, ".png"), "fm=avif", Format::Avif)->bytes)->alpha);
}

SCENARIO("drawings keep all of their colour, photographs half of it") {  // image-urls §3
    CHECK_FALSE(graphic(texture(200, 150)));
    CHECK(graphic(striped(200, 150, kWhitePixel, kRed)));
    THEN("a drawing without colour does not need it") { CHECK_FALSE(graphic(striped(200, 150, kWhitePixel, kBlackPixel))); }
    THEN("an even area is no drawing") { CHECK_FALSE(graphic(solid(200, 150, kRed))); }
    THEN("thin stripes stay as red as they were") {
        const std::string source = saved(striped(200, 150, kWhitePixel, kRed), ".png");
        const auto output = ordered(source, Format::Avif, ImageEffort::Usual, 70);
        REQUIRE(output);
        CHECK(distance(Seen(output->bytes).at(2, 75), kRed) <= 24);
    }
}

SCENARIO("an animation becomes an animated AVIF, and is read as one") {
    for (const char* suffix : {".gif", ".webp[lossless]"}) {
        INFO(suffix);
        const std::string source = saved(light(60, 40), suffix);
        const auto output = rendered(source, "w=30&fm=avif", Format::Avif);
        REQUIRE(output);
        CHECK(output->frames == 3);
        CHECK(output->width == 30);
        CHECK(output->height == 20);
        const auto found = probe(output->bytes);
        REQUIRE(found);
        CHECK(found->format == Format::Avif);
        CHECK(found->animated);
        CHECK(found->width == 30);
        CHECK(found->height == 20);
        for (const Format out : {Format::Webp, Format::Gif, Format::Avif}) {
            const auto again = rendered(output->bytes, "w=15", out);
            INFO(row_of(out).name);
            REQUIRE(again);
            CHECK(again->frames == 3);
            CHECK(again->source_height == 20);
            if (out != Format::Avif) check_light(Seen(again->bytes));
        }
        THEN("its first frame stands for it where nothing moves") {
            for (const char* query : {"w=15&anim=0", "w=15"}) {
                const Format out = query == std::string("w=15") ? Format::Jpeg : Format::Avif;
                const auto still = rendered(output->bytes, query, out);
                REQUIRE(still);
                CHECK(still->frames == 1);
                CHECK(distance(Seen(still->bytes).at(7, 5), kRed) <= 20);
            }
        }
        THEN("it counts as so many frames") {
            worker::Limits limits = kLimits;
            limits.frames = 2;
            CHECK(rendered(output->bytes, "w=15", Format::Webp, limits).error().code == "too_many_frames");
            limits = kLimits;
            limits.animation_pixels = 3 * 30 * 20 - 1;
            CHECK(rendered(output->bytes, "w=15", Format::Webp, limits).error().code == "animation_pixels");
        }
    }
}

SCENARIO("frames of an animated AVIF may let their background through") {
    const Image strip = strip_of({solid(40, 30, {255, 0, 0, 128}), solid(40, 30, kNothing)}, {100, 100}, 0);
    const auto output = rendered(saved(strip, ".webp[lossless]"), "fm=avif", Format::Avif);
    REQUIRE(output);
    const Seen picture = seen(output->bytes, "fm=webp", Format::Webp);
    CHECK(picture.frames() == 2);
    CHECK(distance(picture.at(20, 15, 0), {255, 0, 0, 128}) <= 16);
    CHECK(picture.at(20, 15, 1)[3] <= 4);
}

SCENARIO("a damaged AVIF is undecodable, whatever is wrong with it") {
    for (const auto& whole : {rendered(saved(texture(90, 70), ".png"), "fm=avif", Format::Avif)->bytes,
                              rendered(saved(light(60, 40), ".gif"), "fm=avif", Format::Avif)->bytes}) {
        for (std::size_t size = 40; size < whole.size(); size += whole.size() / 23) {
            const auto output = rendered(whole.substr(0, size), "w=20", Format::Webp);
            INFO(size);
            REQUIRE_FALSE(output);
            CHECK(output.error().code == "undecodable");
        }
        for (std::size_t at = 12; at < whole.size(); at += 7) {
            std::string damaged = whole;
            damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
            const auto output = rendered(damaged, "w=20", Format::Webp);
            const bool said =
                output || output.error().kind == ErrorKind::Unprocessable || output.error().kind == ErrorKind::Unsupported;
            INFO(at << " " << (output ? "" : output.error().detail));
            CHECK(said);
        }
    }
}

TEST_CASE("a real AVIF from elsewhere is read as its other decoder reads it") {
    const std::filesystem::path file(SELVAGE_SHARED_DATA "/images/v01-cosmos.avif");
    if (!std::filesystem::exists(file)) return;
    std::ifstream stream(file, std::ios::binary);
    const std::string source{std::istreambuf_iterator<char>(stream), {}};
    const auto output = rendered(source, "w=64", Format::Png);
    REQUIRE(output);
    const auto found = probe(source);
    CHECK(output->source_width == found->width);
    CHECK(output->source_height == found->height);
}

SCENARIO("JPEG XL is read where libvips has its module") {
    if ((engine().can_load() >> static_cast<unsigned>(Format::Jxl) & 1) == 0) return;
    const std::string source = saved(quadrants(64, 48), ".jxl");
    CHECK(sniff(source) == Format::Jxl);
    CHECK(probe(source)->width == 64);
    CHECK(probe(source)->height == 48);
    const auto output = rendered(source, "w=32", Format::Webp);
    REQUIRE(output);
    CHECK(output->source_width == 64);
    const Seen picture(output->bytes);
    CHECK(distance(picture.at(4, 4), kRed) <= 40);
    CHECK(distance(picture.at(28, 4), kGreen) <= 40);
    CHECK(distance(picture.at(4, 20), kBlue) <= 40);
    CHECK(rendered(source.substr(0, source.size() / 2), "w=32", Format::Webp).error().code == "undecodable");
}

SCENARIO("HEIC is read where libheif has a decoder for it") {
    const bool can = (engine().can_load() >> static_cast<unsigned>(Format::Heic) & 1) != 0;
    const std::filesystem::path file(SELVAGE_TEST_DATA "/images/quadrants.heic");
    if (!can || !std::filesystem::exists(file)) return;
    std::ifstream stream(file, std::ios::binary);
    const std::string source{std::istreambuf_iterator<char>(stream), {}};
    CHECK(sniff(source) == Format::Heic);
    const auto output = rendered(source, "w=32", Format::Webp);
    REQUIRE(output);
    CHECK(output->source_width == 64);
    const Seen picture(output->bytes);
    CHECK(distance(picture.at(4, 4), kRed) <= 40);
    CHECK(distance(picture.at(28, 4), kGreen) <= 40);
}

}  // namespace selvage::transforms::test
