#include <catch2/catch.hpp>

#include <string>

#include "tests/engine/pictures.h"
#include "transforms/engine/colour_profile.h"

namespace selvage::transforms::test {
namespace {

Image in_space(const Image& image, VipsInterpretation space) {
    return made("space", [&](VipsImage** out) { return vips_colourspace(image.get(), out, space, nullptr); }).value();
}

// Pixels that mean the same colour, written in the space of one of libvips' own profiles, which is embedded.
Image in_profile(const Image& image, const char* profile, int depth = 8) {
    return made("profile",
                [&](VipsImage** out) {
                    return vips_icc_transform(image.get(), out, profile, "input_profile", "srgb", "depth", depth, nullptr);
                })
        .value();
}

constexpr Colour kBrick{180, 80, 60, 255};

}  // namespace

SCENARIO("every output is sRGB, whatever the source was written in") {
    const Image brick = solid(40, 40, kBrick);
    THEN("wide gamut: the numbers change so that the colour does not") {
        const std::string source = saved(in_profile(brick, "p3"), ".png");
        CHECK(distance(Seen(source).at(20, 20), kBrick) > 4);
        CHECK(distance(seen(source, "fm=png", Format::Png).at(20, 20), kBrick) <= 2);
        CHECK(distance(seen(source, "fm=jpeg", Format::Jpeg).at(20, 20), kBrick) <= 5);
    }
    THEN("16 bits per channel become 8, with a profile and without") {
        const Image deep = in_space(brick, VIPS_INTERPRETATION_RGB16);
        const Seen picture = seen(saved(deep, ".png"), "fm=png", Format::Png);
        CHECK(distance(picture.at(20, 20), kBrick) <= 1);
        CHECK(picture.number("bits-per-sample") != 16);
        const std::string wide = saved(in_profile(brick, "p3", 16), ".png");
        CHECK(distance(seen(wide, "w=20", Format::Png).at(10, 10), kBrick) <= 2);
    }
    THEN("16 bits with transparency keep it") {
        const Image deep = in_space(solid(40, 40, {200, 100, 50, 128}), VIPS_INTERPRETATION_RGB16);
        for (const char* query : {"fm=png", "w=20"}) {
            CHECK(distance(seen(saved(deep, ".png"), query, Format::Png).at(10, 10), {200, 100, 50, 128}) <= 2);
        }
    }
    THEN("grey becomes three equal channels, with a bg in colour beside it") {
        const std::string source = saved(in_space(solid(60, 30, kGrey), VIPS_INTERPRETATION_B_W), ".png");
        CHECK(Seen(source).bands() == 1);
        CHECK(distance(seen(source, "w=30", Format::Png).at(10, 5), kGrey) <= 1);
        CHECK(seen(source, "w=60&h=60&fit=pad&bg=f00", Format::Png).at(30, 2) == kRed);
    }
    THEN("CMYK becomes RGB, by its profile or without one") {
        const Image cmyk = in_profile(brick, "cmyk");
        REQUIRE(cmyk.bands() == 4);
        for (const Format out : {Format::Jpeg, Format::Webp, Format::Png, Format::Avif}) {
            const Seen picture = seen(saved(cmyk, ".jpg[Q=95]"), "w=20", out);
            INFO(row_of(out).name);
            CHECK(picture.bands() == 3);
            CHECK(distance(picture.at(10, 10), kBrick) <= 24);
        }
        CHECK(distance(seen(saved(cmyk, ".jpg[Q=95,strip]"), "w=20", Format::Png).at(10, 10), kBrick) <= 24);
    }
}

SCENARIO("no output carries a profile, since all are sRGB") {
    const std::string source = saved(in_profile(solid(20, 20, kBrick), "p3"), ".png");
    REQUIRE(Seen(source).has(VIPS_META_ICC_NAME));
    for (const Format out : {Format::Jpeg, Format::Png, Format::Webp, Format::Avif, Format::Gif}) {
        INFO(row_of(out).name);
        CHECK_FALSE(seen(source, "w=10", out).has(VIPS_META_ICC_NAME));
    }
}

SCENARIO("a broken profile is no reason to refuse a picture") {
    const Image brick = with_own_metadata(solid(20, 20, kBrick)).value();
    const std::string rubbish(400, 'x');
    vips_image_set_blob_copy(brick.get(), VIPS_META_ICC_NAME, rubbish.data(), rubbish.size());
    const std::string source = saved(brick, ".jpg[Q=95]");
    CHECK(distance(seen(source, "w=10", Format::Png).at(5, 5), kBrick) <= 6);
}

SCENARIO("a profile is known by its description") {  // ICC.1:2010 §7
    const auto profile_of = [](const char* name) {
        VipsBlob* blob = nullptr;
        REQUIRE(vips_profile_load(name, &blob, nullptr) == 0);
        std::size_t size = 0;
        const auto* bytes = static_cast<const char*>(vips_blob_get(blob, &size));
        std::string profile(bytes, size);
        vips_area_unref(reinterpret_cast<VipsArea*>(blob));
        return profile;
    };
    engine();
    CHECK(is_srgb_profile(profile_of("srgb")));
    CHECK_FALSE(is_srgb_profile(profile_of("p3")));
    CHECK_FALSE(is_srgb_profile(""));
    CHECK_FALSE(is_srgb_profile(std::string(200, '\xff')));
    THEN("every truncation of it is survived") {
        const std::string whole = profile_of("srgb");
        for (std::size_t size = 0; size < whole.size(); size += 7) profile_description(std::string_view(whole).substr(0, size));
    }
}

}  // namespace selvage::transforms::test
