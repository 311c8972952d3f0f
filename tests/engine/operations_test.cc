#include <catch2/catch.hpp>

#include "tests/engine/pictures.h"

namespace selvage::transforms::test {
namespace {

constexpr int kClose = 12;  // what a JPEG of Q 95 may do to a flat colour

struct Corners {
    Colour top_left, top_right, bottom_left, bottom_right;
    friend bool operator==(const Corners&, const Corners&) = default;
};

Colour nearest(Colour colour) {
    for (const Colour candidate : {kRed, kGreen, kBlue, kYellow, kWhitePixel, kBlackPixel}) {
        if (distance(colour, candidate) <= kClose) return candidate;
    }
    return colour;
}

Corners corners(const Seen& picture) {
    const int right = picture.width() - 3, bottom = picture.height() - 3;
    return {nearest(picture.at(2, 2)), nearest(picture.at(right, 2)), nearest(picture.at(2, bottom)),
            nearest(picture.at(right, bottom))};
}

const Corners kUpright{kRed, kGreen, kBlue, kYellow};

}  // namespace

SCENARIO("an image is upright whatever way the camera was held") {  // image-urls §1.1 rule 8: EXIF orient first
    const Image upright = quadrants(120, 80);
    for (int exif = 1; exif <= 8; ++exif) {
        const std::string photo = saved(stored_for_orientation(upright, exif), ".jpg[Q=95]");
        INFO("orientation " << exif);
        for (const char* query : {"fm=png", "w=60", "w=240&up=1"}) {
            const Seen picture = seen(photo, query, Format::Png);
            CHECK(picture.width() * 2 == picture.height() * 3);
            CHECK(corners(picture) == kUpright);
        }
        const auto output = rendered(photo, "w=60", Format::Jpeg);
        CHECK(output->source_width == 120);
        CHECK(output->source_height == 80);
        CHECK_FALSE(Seen(output->bytes).has("exif-ifd0-Orientation"));
    }
    THEN("PNG, WebP and TIFF sources say it too") {
        for (const char* suffix : {".webp[lossless]", ".tif"}) {
            INFO(suffix);
            CHECK(corners(seen(saved(stored_for_orientation(upright, 6), suffix), "w=60", Format::Png)) == kUpright);
        }
    }
}

SCENARIO("flip and rot") {
    const std::string source = saved(quadrants(60, 40), ".png");
    CHECK(corners(seen(source, "flip=h", Format::Png)) == Corners{kGreen, kRed, kYellow, kBlue});
    CHECK(corners(seen(source, "flip=v", Format::Png)) == Corners{kBlue, kYellow, kRed, kGreen});
    CHECK(corners(seen(source, "flip=hv", Format::Png)) == Corners{kYellow, kBlue, kGreen, kRed});
    CHECK(corners(seen(source, "rot=90", Format::Png)) == Corners{kBlue, kRed, kYellow, kGreen});
    CHECK(corners(seen(source, "rot=180", Format::Png)) == Corners{kYellow, kBlue, kGreen, kRed});
    CHECK(corners(seen(source, "rot=270", Format::Png)) == Corners{kGreen, kYellow, kRed, kBlue});
    THEN("flip comes before rot") {
        CHECK(corners(seen(source, "flip=h&rot=90", Format::Png)) == Corners{kYellow, kGreen, kBlue, kRed});
    }
    THEN("90 and 270 exchange the sides") {
        const Seen picture = seen(source, "w=30&rot=90", Format::Png);
        CHECK(picture.width() == 20);
        CHECK(picture.height() == 30);
    }
}

SCENARIO("cover keeps the part that gravity says") {
    const std::string source = saved(quadrants(200, 100), ".png");
    const auto kept = [&](std::string g) { return corners(seen(source, "w=40&h=40&fit=cover&g=" + g, Format::Png)); };
    CHECK(kept("left") == Corners{kRed, kRed, kBlue, kBlue});
    CHECK(kept("right") == Corners{kGreen, kGreen, kYellow, kYellow});
    CHECK(kept("center") == kUpright);
    CHECK(kept("0.1,0.5") == Corners{kRed, kRed, kBlue, kBlue});
    CHECK(kept("1,0.5") == Corners{kGreen, kGreen, kYellow, kYellow});
    THEN("smart and entropy find the only thing to see") {
        const Image flat = solid(300, 100, kGrey), thing = quadrants(40, 40);
        const Image scene =
            made("insert", [&](VipsImage** out) { return vips_insert(flat.get(), thing.get(), out, 240, 30, nullptr); }).value();
        for (const char* query : {"w=100&h=100&fit=cover&g=smart", "w=100&h=100&fit=cover&g=entropy"}) {
            const Seen picture = seen(saved(scene, ".png"), query, Format::Png);
            int coloured = 0;
            for (int x = 0; x < 100; ++x) coloured += distance(picture.at(x, 50), kGrey) > 40;
            INFO(query);
            CHECK(coloured >= 38);
        }
    }
}

SCENARIO("pad fills the canvas with bg") {
    const std::string source = saved(solid(60, 30, kRed), ".png");
    const auto padded = [&](std::string query, Format out) { return seen(source, "w=60&h=60&fit=pad&" + query, out); };
    CHECK(padded("bg=00f", Format::Png).at(30, 2) == kBlue);
    CHECK(padded("bg=00f", Format::Png).at(30, 30) == kRed);
    THEN("without bg it is transparent, and white where there is no transparency") {
        CHECK(padded("fm=png", Format::Png).at(30, 2)[3] == 0);
        CHECK(padded("fm=png", Format::Png).at(30, 30) == kRed);
        CHECK(distance(padded("fm=jpeg", Format::Jpeg).at(30, 2), kWhitePixel) <= kClose);
    }
    THEN("a translucent bg stays translucent, and stands on white in a JPEG") {
        CHECK(padded("bg=0000ff80", Format::Png).at(30, 2) == Colour{0, 0, 255, 128});
        CHECK(distance(padded("bg=0000ff80", Format::Jpeg).at(30, 2), {127, 127, 255, 255}) <= kClose);
    }
    THEN("gravity says where the picture stands") {
        CHECK(padded("bg=00f&g=top", Format::Png).at(30, 2) == kRed);
        CHECK(padded("bg=00f&g=bottom", Format::Png).at(30, 2) == kBlue);
    }
}

SCENARIO("bg shows through transparency") {
    const std::string half = saved(solid(20, 20, {255, 0, 0, 128}), ".png");
    CHECK(distance(seen(half, "fm=png&bg=00f", Format::Png).at(10, 10), {128, 0, 127, 255}) <= 2);
    CHECK(seen(half, "fm=png&bg=00f", Format::Png).bands() == 3);
    THEN("without bg it stays, and JPEG has white behind") {
        CHECK(seen(half, "fm=png", Format::Png).at(10, 10) == Colour{255, 0, 0, 128});
        CHECK(distance(seen(half, "fm=jpeg", Format::Jpeg).at(10, 10), {255, 127, 127, 255}) <= kClose);
    }
    THEN("a translucent bg is mixed in") {
        const Colour mixed = seen(half, "fm=png&bg=0000ff80", Format::Png).at(10, 10);
        CHECK(distance(mixed, {170, 0, 85, 192}) <= 2);
    }
}

SCENARIO("transparent pixels do not bleed their colour when shrunk or blurred") {
    const Image red = solid(40, 80, kRed), hidden = solid(40, 80, {0, 255, 0, 0});
    const Image opaque = made("alpha", [&](VipsImage** out) { return vips_addalpha(red.get(), out, nullptr); }).value();
    const Image both = made("join", [&](VipsImage** out) {
                           return vips_join(opaque.get(), hidden.get(), out, VIPS_DIRECTION_HORIZONTAL, nullptr);
                       }).value();
    for (const char* query : {"w=15", "blur=3"}) {
        const Seen picture = seen(saved(both, ".png"), query, Format::Png);
        for (int x = 0; x < picture.width(); ++x) {
            const Colour colour = picture.at(x, 5);
            INFO(query << " at " << x << " alpha " << colour[3]);
            if (colour[3] > 40) CHECK(distance(colour, {255, 0, 0, colour[3]}) <= 8);
        }
    }
}

SCENARIO("blur softens an edge and keeps flat areas") {
    const Image black = solid(50, 100, kBlackPixel), white = solid(50, 100, kWhitePixel);
    const Image edge = made("join", [&](VipsImage** out) {
                           return vips_join(black.get(), white.get(), out, VIPS_DIRECTION_HORIZONTAL, nullptr);
                       }).value();
    const std::string source = saved(edge, ".png");
    const auto width_of_edge = [&](const char* query) {
        const Seen picture = seen(source, query, Format::Png);
        CHECK(picture.width() == 100);
        CHECK(picture.height() == 100);
        int soft = 0;
        for (int x = 0; x < 100; ++x) soft += picture.at(x, 50)[0] > 25 && picture.at(x, 50)[0] < 230;
        return soft;
    };
    CHECK(width_of_edge("fm=png") == 0);
    const int narrow = width_of_edge("blur=2"), wide = width_of_edge("blur=7.9"), wider = width_of_edge("blur=12");
    CHECK(narrow >= 3);
    CHECK(narrow <= 6);
    CHECK(wide > narrow);
    CHECK(wider > wide);
}

SCENARIO("stretch and outside give the sizes they say, with all of the picture") {
    const std::string source = saved(quadrants(200, 100), ".png");
    CHECK(corners(seen(source, "w=50&h=50&fit=stretch", Format::Png)) == kUpright);
    CHECK(corners(seen(source, "w=50&h=50&fit=outside", Format::Png)) == kUpright);
    CHECK(corners(seen(source, "w=400&h=400&fit=stretch&up=1", Format::Png)) == kUpright);
}

}  // namespace selvage::transforms::test
