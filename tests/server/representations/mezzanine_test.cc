#include "server/representations/mezzanine.h"

#include <catch2/catch.hpp>

#include <string>

using namespace selvage;
using namespace selvage::representations;
using namespace std::chrono_literals;
using transforms::Fit;
using transforms::Format;

namespace {

transforms::Probe photo(std::uint32_t width, std::uint32_t height, Format format = Format::Jpeg) {
    return {.format = format, .width = width, .height = height};
}

transforms::Order order(transforms::Plan plan, unsigned quality = 79) {
    transforms::Order order;
    order.plan = plan;
    order.format = Format::Webp;
    order.quality = quality;
    return order;
}

constexpr transforms::Original kOriginal{.width = 6000, .height = 4000};  // its mezzanine: 2048 × 1365

}  // namespace

SCENARIO("which sources deserve a mezzanine") {  // image-engine §4
    auto progressive = photo(3000, 2000);
    progressive.progressive = true;
    CHECK(deserves_mezzanine(progressive));
    CHECK(deserves_mezzanine(photo(4000, 3000)));
    CHECK(deserves_mezzanine(photo(2000, 2500, Format::Webp)));
    THEN("not those that are cheap to decode") {
        CHECK_FALSE(deserves_mezzanine(photo(3000, 2000)));  // a JPEG in one scan
        CHECK_FALSE(deserves_mezzanine(photo(2400, 1000, Format::Png)));
    }
    THEN("not those that are no larger than it would be") { CHECK_FALSE(deserves_mezzanine(photo(2048, 2048, Format::Png))); }
    THEN("not what a JPEG cannot hold") {
        auto animated = photo(4000, 3000, Format::Webp);
        animated.animated = true;
        auto alpha = photo(4000, 3000, Format::Png);
        alpha.alpha = true;
        CHECK_FALSE(deserves_mezzanine(animated));
        CHECK_FALSE(deserves_mezzanine(alpha));
        CHECK_FALSE(deserves_mezzanine(photo(4000, 3000, Format::Svg)));
        CHECK_FALSE(deserves_mezzanine(photo(4000, 3000, Format::Gif)));
    }
}

SCENARIO("what may be made of a mezzanine") {
    THEN("what is four fifths of its size at most") {
        CHECK(can_stand_in(kOriginal, order({.width = 320})));
        CHECK(can_stand_in(kOriginal, order({.width = 1638})));
        CHECK_FALSE(can_stand_in(kOriginal, order({.width = 1639})));
        CHECK(can_stand_in(kOriginal, order({.height = 1092})));
        CHECK_FALSE(can_stand_in(kOriginal, order({.height = 1093})));
    }
    THEN("a half, when its losses could be seen") {
        CHECK(can_stand_in(kOriginal, order({.width = 1024, .quality = 90})));
        CHECK_FALSE(can_stand_in(kOriginal, order({.width = 1025, .quality = 90})));
        CHECK_FALSE(can_stand_in(kOriginal, order({.width = 1025, .target = transforms::Target::Best})));
        CHECK(can_stand_in(kOriginal, order({.width = 1025, .target = transforms::Target::Good})));
    }
    THEN("by the side that a fit goes by") {
        CHECK(can_stand_in(kOriginal, order({.width = 3000, .height = 300})));
        CHECK_FALSE(can_stand_in(kOriginal, order({.width = 3000, .height = 300, .fit = Fit::Cover})));
        CHECK(can_stand_in(kOriginal, order({.width = 400, .height = 400, .fit = Fit::Cover})));
        CHECK_FALSE(can_stand_in(kOriginal, order({.width = 1700, .height = 10, .fit = Fit::Stretch})));
    }
    THEN("nothing of the original's size") {
        CHECK_FALSE(can_stand_in(kOriginal, order({.blur = 3})));
        CHECK_FALSE(can_stand_in(kOriginal, order({.width = 8000, .enlarge = true})));
    }
    THEN("nothing that is to be stored without loss") { CHECK_FALSE(can_stand_in(kOriginal, order({.width = 320}, 0))); }
    THEN("a picture that may lie on its side is judged both ways") {
        CHECK(may_stand_in(photo(6000, 4000), order({.height = 1600})));  // 1600 of 6000
        CHECK_FALSE(may_stand_in(photo(6000, 4000), order({.height = 1700})));
    }
}

SCENARIO("when a mezzanine is due") {
    const Sha256 source = sha256("source");
    const Key128 first{1, 1}, second{2, 2}, third{3, 3};
    const SteadyTime start = SteadyTime{} + 1h;
    MezzanineTiming timing;
    CHECK_FALSE(timing.due(source, first, start));
    THEN("those that are asked for before the first is made share its decode") { CHECK_FALSE(timing.due(source, second, start)); }
    timing.made(source, first, start);
    THEN("the one that comes after it is the second") {
        CHECK(timing.due(source, second, start + 4min));
        THEN("and only that: it is made once") { CHECK_FALSE(timing.due(source, third, start + 4min)); }
    }
    THEN("the same variant made anew is no second one") { CHECK_FALSE(timing.due(source, first, start + 1s)); }
    THEN("another source's does not count") { CHECK_FALSE(timing.due(sha256("other"), second, start + 1s)); }
    THEN("nor does one of long ago") { CHECK_FALSE(timing.due(source, second, start + 11min)); }
}

TEST_CASE("a mezzanine has a key of its own, by its source and the codecs") {
    const Sha256 source = sha256("source");
    CHECK(mezzanine_key(source, "a") == mezzanine_key(source, "a"));
    CHECK(mezzanine_key(source, "a") != mezzanine_key(source, "b"));
    CHECK(mezzanine_key(source, "a") != mezzanine_key(sha256("other"), "a"));
}
