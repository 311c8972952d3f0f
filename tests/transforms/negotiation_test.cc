// Which format a client gets: image-urls §1.3 and §3.

#include "transforms/negotiation.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace selvage::transforms;

namespace {

const AutoFormats kAuto{.formats = {Format::Avif, Format::Webp}};
constexpr AcceptedFormats kBoth{.avif = true, .webp = true};
constexpr AcceptedFormats kNone{};

Format chosen(const Plan& plan, AcceptedFormats accepted, const SourceFacts& source) {
    return choose_format(plan, accepted, source, kAuto);
}

}  // namespace

SCENARIO("only an explicit media type with a weight above zero counts") {  // §1.3 rule 1
    CHECK(parse_accept("image/avif,image/webp") == kBoth);
    CHECK(parse_accept("image/webp") == AcceptedFormats{.webp = true});
    CHECK(parse_accept("image/jxl;q=0.1") == AcceptedFormats{.jxl = true});
    CHECK(parse_accept("IMAGE/WebP ; q=0.5") == AcceptedFormats{.webp = true});
    THEN("Chromium's own header gives both") {
        CHECK(parse_accept("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8") == kBoth);
    }
    THEN("wildcards do not count") {
        CHECK(parse_accept("*/*") == kNone);
        CHECK(parse_accept("image/*") == kNone);
        CHECK(parse_accept("") == kNone);
    }
    THEN("q=0 is a refusal") {
        CHECK(parse_accept("image/avif;q=0,image/webp") == AcceptedFormats{.webp = true});
        CHECK(parse_accept("image/avif;q=0.000") == kNone);
    }
    THEN("a broken weight is not an acceptance") { CHECK(parse_accept("image/avif;q=high") == kNone); }
    THEN("a similar name is another type") { CHECK(parse_accept("image/avif-sequence,image/webpx,text/avif") == kNone); }
}

SCENARIO("fm=auto takes the first configured format that the client accepts") {  // §1.3 rule 2
    const SourceFacts photo{.format = Format::Jpeg};
    CHECK(chosen({}, kBoth, photo) == Format::Avif);
    CHECK(chosen({}, {.webp = true}, photo) == Format::Webp);
    CHECK(choose_format({}, kBoth, photo, {.formats = {Format::Webp, Format::Avif}}) == Format::Webp);
    THEN("a format that we cannot make is passed over") {
        CHECK(choose_format({}, {.avif = true, .jxl = true}, photo, {.formats = {Format::Jxl, Format::Avif}}) == Format::Avif);
    }
    THEN("without any, what every client shows") {  // rule 3
        CHECK(chosen({}, kNone, photo) == Format::Jpeg);
        CHECK(chosen({}, kNone, {.format = Format::Png, .alpha = true}) == Format::Png);
        CHECK(chosen({}, kNone, {.format = Format::Png}) == Format::Png);
        CHECK(chosen({}, kNone, {.format = Format::Gif}) == Format::Gif);
        CHECK(chosen({}, kNone, {.format = Format::Webp, .alpha = true}) == Format::Png);
        for (const auto other : {Format::Webp, Format::Avif, Format::Heic, Format::Tiff})
            CHECK(chosen({}, kNone, {.format = other}) == Format::Jpeg);
    }
}

SCENARIO("an animation stays one, unless asked otherwise") {
    const SourceFacts moving{.format = Format::Gif, .animated = true, .alpha = true};
    CHECK(chosen({}, kBoth, moving) == Format::Webp);
    CHECK(chosen({}, {.avif = true}, moving) == Format::Gif);
    CHECK(chosen({}, kNone, moving) == Format::Gif);
    CHECK(chosen({.animated = false}, kBoth, moving) == Format::Avif);
    CHECK(chosen({.animated = false}, kNone, moving) == Format::Png);
    THEN("as AVIF only where the site allows it") {
        const AutoFormats moving_avif{.formats = {Format::Avif, Format::Webp}, .animated_avif = true};
        CHECK(choose_format({}, kBoth, moving, moving_avif) == Format::Avif);
        CHECK(choose_format({}, {.webp = true}, moving, moving_avif) == Format::Webp);
    }
    THEN("an animated AVIF is one, too") {
        const SourceFacts sequence{.format = Format::Avif, .animated = true};
        CHECK(chosen({}, kBoth, sequence) == Format::Webp);
        CHECK(chosen({}, kNone, sequence) == Format::Gif);
        CHECK(chosen({.auto_format = false}, kNone, sequence) == Format::Avif);  // fm=orig
    }
    THEN("an animated PNG is read as its first picture, so it is a still one here") {
        CHECK(chosen({}, kNone, {.format = Format::Png, .animated = true}) == Format::Png);
        CHECK(chosen({}, kBoth, {.format = Format::Png, .animated = true}) == Format::Avif);
    }
}

SCENARIO("an explicit format is not negotiated") {
    const Plan png{.auto_format = false, .format = Format::Png};
    CHECK(chosen(png, kBoth, {.format = Format::Jpeg}) == Format::Png);
    const Plan orig{.auto_format = false};
    for (const auto same : {Format::Jpeg, Format::Png, Format::Webp, Format::Avif, Format::Gif})
        CHECK(chosen(orig, kBoth, {.format = same}) == same);
    THEN("orig of a kind that we cannot write is what every client shows") {
        CHECK(chosen(orig, kBoth, {.format = Format::Heic}) == Format::Jpeg);
        CHECK(chosen(orig, kBoth, {.format = Format::Svg, .alpha = true}) == Format::Png);
    }
}

SCENARIO("q is one scale for all codecs") {  // §3
    const auto quality = [](std::uint8_t q, Format format) { return effective_quality({.quality = q}, format, {}); };
    CHECK(quality(75, Format::Jpeg) == 75);
    CHECK(quality(75, Format::Webp) == 75);
    for (const auto& [q, avif] : std::vector<std::pair<int, unsigned>>{
             {1, 1}, {30, 18}, {50, 32}, {60, 38}, {70, 45}, {75, 50}, {80, 55}, {85, 60}, {90, 68}, {95, 77}, {100, 90}})
        CHECK(quality(static_cast<std::uint8_t>(q), Format::Avif) == avif);
    THEN("between the points it is linear and never falls") {
        CHECK(quality(40, Format::Avif) == 25);
        CHECK(quality(65, Format::Avif) == 42);  // 41.5
        for (int q = 2; q <= 100; ++q)
            CHECK(quality(static_cast<std::uint8_t>(q), Format::Avif) >= quality(static_cast<std::uint8_t>(q - 1), Format::Avif));
    }
    THEN("without q the configured default of the format holds, on its own scale") {
        CHECK(effective_quality({}, Format::Avif, {}) == 55);
        CHECK(effective_quality({}, Format::Webp, {}) == 79);
        CHECK(effective_quality({}, Format::Jpeg, {.jpeg = 66}) == 66);
    }
    THEN("png and gif have none") {
        CHECK(quality(75, Format::Png) == 0);
        CHECK(effective_quality({}, Format::Gif, {}) == 0);
    }
}
