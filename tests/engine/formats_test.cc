#include <catch2/catch.hpp>

#include <string>

#include "tests/engine/pictures.h"

namespace selvage::transforms::test {
namespace {

struct JpegHeader {
    bool progressive = false;
    int sampling = 0;  // of the first component: 0x22 is 4:2:0
    int components = 0;
};

// The start-of-frame segment. Source: ITU-T T.81 §B.2.2.
JpegHeader header_of(std::string_view jpeg) {
    const auto byte = [&](std::size_t at) { return static_cast<int>(static_cast<unsigned char>(jpeg[at])); };
    for (std::size_t at = 2; at + 12 < jpeg.size(); at += 2 + byte(at + 2) * 256 + byte(at + 3)) {
        const int marker = byte(at + 1);
        if (marker == 0xc0 || marker == 0xc2) return {marker == 0xc2, byte(at + 11), byte(at + 9)};
    }
    return {};
}

JpegHeader jpeg_of(int width, int height, ImageEffort effort = ImageEffort::Best) {
    const std::string source = saved(quadrants(width, height), ".png");
    const auto output = engine().render(source, {.format = Format::Jpeg, .quality = 80, .effort = effort}, kLimits);
    REQUIRE(output);
    return header_of(output->bytes);
}

}  // namespace

SCENARIO("JPEG is 4:2:0, and progressive when nobody waits for it") {  // image-urls §3; prog in §1.2; image-engine §3
    CHECK(jpeg_of(200, 100).progressive);
    CHECK(jpeg_of(200, 100).sampling == 0x22);
    CHECK(jpeg_of(200, 100).components == 3);
    for (const ImageEffort effort : {ImageEffort::Fast, ImageEffort::Usual}) {
        CHECK_FALSE(jpeg_of(200, 100, effort).progressive);
        CHECK(jpeg_of(200, 100, effort).sampling == 0x22);
    }
    THEN("but not under 50×50 nor above 3000×3000") {
        CHECK(jpeg_of(50, 50).progressive);
        CHECK_FALSE(jpeg_of(49, 60).progressive);
        CHECK(jpeg_of(3000, 60).progressive);
        CHECK_FALSE(jpeg_of(3001, 60).progressive);
    }
    THEN("an image that others are to be made of keeps all of its colour") {
        const Order order{.format = Format::Jpeg, .quality = 92, .full_chroma = true};
        const auto output = engine().render(saved(quadrants(64, 48), ".png"), order, kLimits);
        REQUIRE(output);
        CHECK(header_of(output->bytes).sampling == 0x11);
    }
}

SCENARIO("every output is of the format asked for") {
    const std::string source = saved(quadrants(64, 48), ".png");
    for (const Format out : {Format::Jpeg, Format::Png, Format::Webp, Format::Avif, Format::Gif}) {
        const auto output = rendered(source, "w=32", out);
        REQUIRE(output);
        INFO(row_of(out).name);
        CHECK(sniff(output->bytes) == out);
        CHECK(output->width == 32);
        CHECK(output->height == 24);
        CHECK(distance(Seen(output->bytes).at(4, 4), kRed) <= 30);
    }
}

SCENARIO("transparency survives where the format has it") {
    const std::string source = saved(solid(64, 48, {200, 40, 20, 128}), ".png");
    for (const Format out : {Format::Png, Format::Webp, Format::Avif}) {
        INFO(row_of(out).name);
        CHECK(distance(seen(source, "w=32", out).at(16, 12), {200, 40, 20, 128}) <= 8);
    }
    const std::string hole = saved(solid(64, 48, kNothing), ".png");
    for (const Format out : {Format::Png, Format::Webp, Format::Avif, Format::Gif}) {
        INFO(row_of(out).name);
        CHECK(seen(hole, "w=32", out).at(16, 12)[3] <= 2);
    }
}

SCENARIO("PNG takes a palette when 256 colours are enough, without changing one of them") {
    Image stripes = solid(1, 8, {0, 60, 120, 255});
    for (int column = 1; column < 200; ++column) {
        const Image next = solid(1, 8, {column, 255 - column, (column * 7) % 256, 255});
        stripes = made("join", [&](VipsImage** out) {
                      return vips_join(stripes.get(), next.get(), out, VIPS_DIRECTION_HORIZONTAL, nullptr);
                  }).value();
    }
    const std::string source = saved(stripes, ".png");
    const auto output = rendered(source, "fm=png", Format::Png);
    REQUIRE(output);
    CHECK(output->bytes[25] == 3);  // colour type; PNG §11.2.1
    const Seen before(source), after(output->bytes);
    int worst = 0;
    for (int x = 0; x < 200; ++x) worst = std::max(worst, distance(before.at(x, 4), after.at(x, 4)));
    CHECK(worst == 0);
}

SCENARIO("quality is the encoder's own and matters") {
    const Image noise = made("noise", [](VipsImage** out) {
                            return vips_gaussnoise(out, 128, 128, "mean", 128.0, "sigma", 30.0, nullptr);
                        }).value();
    const Image grey =
        made("cast", [&](VipsImage** out) { return vips_cast(noise.get(), out, VIPS_FORMAT_UCHAR, nullptr); }).value();
    const std::string source = saved(grey, ".png");
    for (const Format out : {Format::Jpeg, Format::Webp, Format::Avif}) {
        const auto low = engine().render(source, {.format = out, .quality = 20}, kLimits);
        const auto high = engine().render(source, {.format = out, .quality = 90}, kLimits);
        REQUIRE(low);
        REQUIRE(high);
        INFO(row_of(out).name);
        CHECK(low->bytes.size() * 3 < high->bytes.size() * 2);
    }
}

SCENARIO("a WebP without metadata has no chunk that it does not need") {  // RFC 9649 §2
    const auto output = rendered(saved(quadrants(24, 24), ".png"), "w=24", Format::Webp);
    REQUIRE(output);
    CHECK(output->bytes.substr(12, 4) == "VP8 ");
    CHECK(output->bytes.size() < 200);
}

SCENARIO("the encoder epoch names what makes the bytes") {
    CHECK(engine().epoch().size() <= 31);
    CHECK(engine().epoch().starts_with("r"));
    CHECK(engine().epoch().find("vips8.") != std::string_view::npos);
    for (const Format format : {Format::Jpeg, Format::Png, Format::Webp, Format::Avif, Format::Gif}) {
        CHECK((engine().can_save() >> static_cast<unsigned>(format) & 1) == 1);
        CHECK((engine().can_load() >> static_cast<unsigned>(format) & 1) == 1);
    }
    for (const FormatRow& row : kFormats) {
        INFO(row.name);
        CHECK(row.can_save == ((engine().can_save() >> static_cast<unsigned>(row.format) & 1) == 1));
    }
}

}  // namespace selvage::transforms::test
