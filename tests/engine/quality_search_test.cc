#include <catch2/catch.hpp>

#include "tests/engine/quality_pictures.h"
#include "transforms/engine/loaders.h"
#include "transforms/engine/quality/curve.h"
#include "transforms/engine/quality/excerpt.h"
#include "transforms/engine/quality/search.h"

namespace selvage::transforms::test {
namespace {

constexpr auto kSearched = std::to_array({Format::Jpeg, Format::Webp, Format::Avif});

Encoded searched(const Image& image, Format format, unsigned target, unsigned guess = 0, ImageEffort effort = ImageEffort::Fast) {
    const EncodeOptions options{.quality = 0, .effort = effort, .frame = {image.width(), image.height()}, .keep_metadata = false};
    auto encoded = encode_to_target(*encoder_of(format), image, options, target, guess);
    INFO((encoded ? "" : encoded.error().detail));
    REQUIRE(encoded);
    return *std::move(encoded);
}

double real_score(const Image& image, const Encoded& encoded, Format format) {
    const auto opened = loader_of(format)->load(encoded.bytes, {});
    REQUIRE(opened);
    return score(image, in_memory(*opened).value());
}

}  // namespace

SCENARIO("q=auto is as good as was asked, and not much better") {  // image-urls §3
    const Image picture = scenery_of(480, 320);
    for (const Format format : kSearched) {
        for (const unsigned target : {60U, 70U, 80U}) {
            INFO(row_of(format).name << " " << target);
            const Encoded encoded = searched(picture, format, target);
            const double reached = real_score(picture, encoded, format);
            // one step of an encoder and three probes; with newer codecs this picture ends 1.0 below or 2.7 above
            CHECK(reached >= target - 1.1);
            CHECK(reached <= target + 2.8);
            CHECK(encoded.score == Approx(reached).margin(0.01));  // half a megapixel and less is measured as a whole
            CHECK(sniff(encoded.bytes) == format);
        }
    }
}

SCENARIO("a better picture costs more") {
    const Image picture = scenery_of(320, 240);
    for (const Format format : kSearched) {
        INFO(row_of(format).name);
        const Encoded low = searched(picture, format, 60), good = searched(picture, format, 80);
        CHECK(low.quality < good.quality);
        CHECK(low.bytes.size() < good.bytes.size());
    }
}

SCENARIO("a guess changes how long the search takes, not what it finds") {
    const Image picture = scenery_of(320, 240);
    for (const Format format : kSearched) {
        const Encoded alone = searched(picture, format, 75);
        for (const unsigned guess : {1U, 40U, alone.quality, 100U}) {
            INFO(row_of(format).name << " " << guess);
            const double reached = real_score(picture, searched(picture, format, 75, guess), format);
            CHECK(reached >= 75 - 2);
            CHECK(reached <= 75 + 4.5);
        }
        CHECK(searched(picture, format, 75, alone.quality).quality == alone.quality);
    }
}

SCENARIO("what cannot be reached is as good as it gets") {
    const Image dust_only = painted(160, 120, 3, [](int x, int y) {
        return Colour{static_cast<int>(dust(x, y) * 255), static_cast<int>(dust(x + 999, y) * 255),
                      static_cast<int>(dust(x, y + 999) * 255), 255};
    });
    for (const Format format : kSearched) {
        INFO(row_of(format).name);
        CHECK(searched(dust_only, format, 99).quality >= 90);
    }
    THEN("and one colour needs no more than the least") {
        const Image plain = in_memory(solid(200, 100, kGrey)).value();
        for (const Format format : kSearched) CHECK(searched(plain, format, 60).score >= 60);
    }
}

SCENARIO("formats without a quality are as they are") {
    const Image picture = scenery_of(64, 48);
    for (const Format format : {Format::Png, Format::Gif}) {
        const Encoded encoded = searched(picture, format, 60);
        CHECK(encoded.quality == 0);
        CHECK(encoded.score == 0);
        CHECK(sniff(encoded.bytes) == format);
    }
}

SCENARIO("a large picture is judged by a part of it") {
    const Image picture = scenery_of(1300, 900);
    const Image excerpt = quality::excerpt_of(picture, {1300, 900}).value();
    CHECK(excerpt.width() == 1300);
    CHECK(std::uint64_t{excerpt.width()} * excerpt.height() <= quality::kMostProbed);
    CHECK(std::uint64_t{excerpt.width()} * excerpt.height() > quality::kMostProbed / 2);
    const Encoded fast = searched(picture, Format::Jpeg, 75);
    CHECK(real_score(picture, fast, Format::Jpeg) == Approx(75).margin(6));
    THEN("and as a whole where nobody waits") {
        const Encoded best = searched(picture, Format::Jpeg, 75, 0, ImageEffort::Best);
        CHECK(real_score(picture, best, Format::Jpeg) >= 74);
        CHECK(real_score(picture, best, Format::Jpeg) <= 78);
    }
    THEN("of the strangest shapes, too") {
        for (const auto& [width, height] : {std::pair{1, 8000}, {8000, 1}, {8000, 90}, {70, 8000}}) {
            INFO(width << "x" << height);
            const Image shape = in_memory(solid(width, height, kGrey)).value();
            CHECK(quality::excerpt_of(shape, {shape.width(), shape.height()}).has_value());
            CHECK(searched(shape, Format::Webp, 70).score >= 70);
        }
    }
}

SCENARIO("of an animation the first frame decides, and all are encoded") {
    const Image first = scenery_of(96, 64), second = in_memory(solid(96, 64, kRed)).value();
    const Image strip = in_memory(strip_of({first, second}, {100, 100}, 0)).value();
    const EncodeOptions options{.quality = 0, .effort = ImageEffort::Best, .frame = {96, 64}, .keep_metadata = false};
    const auto encoded = encode_to_target(*encoder_of(Format::Webp), strip, options, 70, 0);
    REQUIRE(encoded);
    CHECK(encoded->quality == searched(first, Format::Webp, 70, 0, ImageEffort::Best).quality);
    CHECK(Seen(encoded->bytes).frames() == 2);
}

SCENARIO("transparency is judged with the rest") {
    const Image picture = painted(200, 160, 4, [](int x, int y) {
        Colour colour = scenery(x, y);
        colour[3] = std::min(255, x * 2);
        return colour;
    });
    for (const Format format : {Format::Webp, Format::Avif}) {
        INFO(row_of(format).name);
        CHECK(real_score(picture, searched(picture, format, 70), format) >= 69);
    }
}

SCENARIO("the usual quality of a format grows with the score") {
    for (const Format format : kSearched) {
        CHECK(quality::has_curve(format));
        unsigned before = 0;
        for (const double score : {30.0, 50.0, 60.0, 70.0, 80.0, 88.0}) {
            const unsigned now = quality::usual_quality(format, score);
            CHECK(now > before);
            before = now;
        }
        CHECK(quality::usual_quality(format, -50) == quality::kLeastQuality);
        CHECK(quality::usual_quality(format, 100) == quality::kMostQuality);
        CHECK(quality::quality_after(format, 60, 75, 75) == 60);
    }
    CHECK_FALSE(quality::has_curve(Format::Png));
    CHECK(quality::quality_between({40, 50}, {60, 80}, 50) == 40);
    CHECK(quality::quality_between({40, 50}, {60, 80}, 80) == 60);
}

}  // namespace selvage::transforms::test
