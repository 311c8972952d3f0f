#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/engine/quality_pictures.h"

namespace selvage::transforms::test {
namespace {

Image mirrored(const Image& image) {
    const auto flipped =
        made("flip", [&](VipsImage** out) { return vips_flip(image.get(), out, VIPS_DIRECTION_HORIZONTAL, nullptr); });
    return in_memory(flipped.value()).value();
}

Image noisy(int width, int height, double amplitude) {
    return painted(width, height, 3, [&](int x, int y) {
        Colour colour = scenery(x, y);
        for (std::size_t band = 0; band < 3; ++band) {
            const double noise = amplitude * (dust(x + 1000 * static_cast<int>(band), y + 5000) - 0.5);
            colour[band] = std::min(255, std::max(0, colour[band] + static_cast<int>(noise)));
        }
        return colour;
    });
}

std::string jpeg(const Image& image, int quality) { return saved(image, (".jpg[Q=" + std::to_string(quality) + "]").c_str()); }

}  // namespace

SCENARIO("a picture is as good as itself") {
    for (const auto& [width, height] : {std::pair{1, 1}, {7, 3}, {8, 8}, {9, 200}, {63, 64}, {255, 129}}) {
        INFO(width << "x" << height);
        const Image picture = scenery_of(width, height);
        CHECK(score(picture, picture) == 100);
    }
    THEN("of whatever colour, and of none") {
        for (const Colour colour : {kRed, kGreen, kBlue, kWhitePixel, kBlackPixel, kNothing}) {
            const Image plain = in_memory(solid(40, 30, colour)).value();
            CHECK(score(plain, plain) == 100);
        }
    }
}

SCENARIO("a person sees less of a picture the more of it was thrown away") {
    const Image picture = scenery_of(320, 240);
    THEN("by an encoder") {
        double better = 100;
        for (const int quality : {95, 85, 70, 50, 30, 10}) {
            const double now = score(picture, jpeg(picture, quality));
            INFO(quality << ": " << now << " after " << better);
            CHECK(now < better);
            better = now;
        }
    }
    THEN("by noise") {
        double better = 100;
        for (const double amplitude : {4.0, 12.0, 40.0, 120.0}) {
            const double now = score(picture, noisy(320, 240, amplitude));
            CHECK(now < better);
            better = now;
        }
    }
    THEN("by blurring") {
        double better = 100;
        for (const double sigma : {0.8, 1.5, 4.0}) {
            const auto blurred =
                made("blur", [&](VipsImage** out) { return vips_gaussblur(picture.get(), out, sigma, nullptr); });
            const double now = score(picture, in_memory(blurred.value()).value());
            CHECK(now < better);
            better = now;
        }
        CHECK(better < 10);
    }
}

SCENARIO("scores mean what was published") {  // 90: not to be told apart; 70: high quality; 30: low
    const Image picture = scenery_of(320, 240);
    CHECK(score(picture, jpeg(picture, 97)) > 85);
    CHECK(score(picture, jpeg(picture, 5)) < 40);
    CHECK(score(picture, in_memory(solid(320, 240, kGrey)).value()) < 0);
    THEN("one level of one channel is not seen, a colour cast is") {
        const auto shifted = [&](Colour by) {
            return painted(320, 240, 3, [&](int x, int y) {
                Colour colour = scenery(x, y);
                for (std::size_t band = 0; band < 3; ++band) colour[band] = std::min(255, colour[band] + by[band]);
                return colour;
            });
        };
        CHECK(score(picture, shifted({1, 0, 0, 0})) > 90);
        CHECK(score(picture, shifted({0, 0, 60, 0})) < 85);
    }
}

SCENARIO("the score does not depend on which way a picture is held") {
    const Image picture = scenery_of(320, 240), worse = decoded_pixels(jpeg(picture, 40));
    const double upright = score(picture, worse);
    CHECK(score(mirrored(picture), mirrored(worse)) == Approx(upright).margin(0.05));
    const auto turned = [](const Image& image) {
        return in_memory(made("rot", [&](VipsImage** out) { return vips_rot90(image.get(), out, nullptr); }).value()).value();
    };
    CHECK(score(turned(picture), turned(worse)) == Approx(upright).margin(0.05));
}

SCENARIO("pictures of different sizes have no score") {
    const Image picture = scenery_of(64, 64);
    const quality::Reference reference(all_pixels(picture));
    for (const Image& other : {scenery_of(64, 63), scenery_of(63, 64), scenery_of(1, 1)}) {
        const auto score = reference.score(all_pixels(other));
        REQUIRE_FALSE(score);
        CHECK(score.error().kind == ErrorKind::Internal);
    }
}

SCENARIO("the smallest pictures have scores") {
    for (const auto& [width, height] : {std::pair{1, 1}, {7, 3}, {1, 300}, {300, 1}, {8, 8}, {17, 5}}) {
        INFO(width << "x" << height);
        const Image black = in_memory(solid(width, height, kBlackPixel)).value();
        const Image white = in_memory(solid(width, height, kWhitePixel)).value();
        const double worst = score(black, white);
        CHECK(std::isfinite(worst));
        CHECK(worst < 0);
    }
}

SCENARIO("what shows through is judged on a dark and on a light ground") {
    const auto shadow = [](int strength, Colour colour) {
        return painted(96, 96, 4, [=](int x, int y) {
            Colour pixel = colour;
            pixel[3] = (x / 12 + y / 12) % 2 == 0 ? strength : 0;
            return pixel;
        });
    };
    THEN("opaque pixels with an alpha band are as good as without one") {
        const auto with_alpha = painted(96, 96, 4, scenery);
        CHECK(score(scenery_of(96, 96), with_alpha) == 100);
        CHECK(score(with_alpha, scenery_of(96, 96)) == 100);
    }
    THEN("colours that nobody sees do not count") { CHECK(score(shadow(0, {255, 0, 0, 0}), shadow(0, {0, 0, 255, 0})) == 100); }
    THEN("a shadow that is gone is missed, though on a dark ground it could not be seen; so is a light one") {
        CHECK(score(shadow(255, kBlackPixel), shadow(0, kBlackPixel)) < 30);
        CHECK(score(shadow(255, kWhitePixel), shadow(0, kWhitePixel)) < 30);
    }
    THEN("a shadow that is a little weaker is almost the same") {
        const double close = score(shadow(128, kBlackPixel), shadow(124, kBlackPixel));
        CHECK(close > 70);
        CHECK(close < 100);
    }
}

namespace {

std::string content(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct Judged {
    double published, ours;
};

std::vector<Judged> judged_pictures() {
    const std::filesystem::path folder(SELVAGE_SHARED_DATA "/quality");
    std::vector<Judged> judged;
    std::ifstream table(folder / "scores.tsv");
    std::string line;
    std::getline(table, line);  // the heading
    while (std::getline(table, line)) {
        std::istringstream row(line);
        std::string reference, encoded, codec, quality, bytes;
        double published = 0;
        row >> reference >> encoded >> codec >> quality >> bytes >> published;
        judged.push_back({published, score(decoded_pixels(content(folder / reference)), content(folder / encoded))});
    }
    return judged;
}

}  // namespace

SCENARIO("our scores are those of the published program") {  // 60 pictures, where a collection of them is at hand
    const std::vector<Judged> judged = judged_pictures();
    if (judged.empty()) return;
    const auto count = static_cast<double>(judged.size());
    double ours = 0, published = 0, deviation = 0;
    for (const Judged& picture : judged) {
        ours += picture.ours / count;
        published += picture.published / count;
        deviation += std::abs(picture.ours - picture.published) / count;
    }
    double together = 0, square_ours = 0, square_published = 0;
    for (const Judged& picture : judged) {
        together += (picture.ours - ours) * (picture.published - published);
        square_ours += (picture.ours - ours) * (picture.ours - ours);
        square_published += (picture.published - published) * (picture.published - published);
    }
    CHECK(together / std::sqrt(square_ours * square_published) >= 0.99);
    CHECK(deviation <= 2.5);
}

}  // namespace selvage::transforms::test
