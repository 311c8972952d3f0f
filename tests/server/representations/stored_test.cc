#include "server/representations/stored.h"

#include <catch2/catch.hpp>

using namespace selvage::representations;

TEST_CASE("what is kept beside a representation is read back as it was written") {
    const Facts picture{.media_type = "image/avif",
                        .etag = "q83vEjRWeJCrze8S",
                        .width = 640,
                        .height = 427,
                        .source_width = 4'294'967'295,
                        .source_height = 1,
                        .interim = false,
                        .made_for = "/a=b.jpg?w=640"};
    CHECK(from_meta(to_meta(picture)) == picture);
    const Facts coding{.interim = true};
    CHECK(from_meta(to_meta(coding)) == coding);
    CHECK(from_meta(to_meta(Facts{})) == Facts{});
}

TEST_CASE("a path that is no line of text is left out, not mistaken for lines") {
    const Facts odd{.etag = "q83vEjRWeJCrze8S", .made_for = "/a\netag=forged"};
    CHECK(from_meta(to_meta(odd)) == Facts{.etag = "q83vEjRWeJCrze8S"});
}

TEST_CASE("what is not ours is a miss, not a guess") {
    CHECK(!from_meta("image/avif"));
    CHECK(!from_meta("type=image/avif"));         // torn: no end of line
    CHECK(!from_meta("type=image/avif\nwidth"));  // torn within a line
    CHECK(!from_meta("width\n"));
    CHECK(!from_meta("width=-1\n"));
    CHECK(!from_meta("width=640px\n"));
    CHECK(!from_meta("width=\n"));
    CHECK(!from_meta("width=4294967296\n"));
}

TEST_CASE("a later version's lines are read over") {
    const auto facts = from_meta("type=image/webp\ncolour=p3\nwidth=3\n");
    REQUIRE(facts);
    CHECK(facts->media_type == "image/webp");
    CHECK(facts->width == 3);
}

SCENARIO("whether more effort was worth it") {
    const Facts measured{.score = 7'000}, unknown{};
    CHECK(is_better(unknown, 999, unknown, 1'000));
    CHECK_FALSE(is_better(unknown, 1'000, unknown, 1'000));
    CHECK(is_better({.score = 7'100}, 1'200, measured, 1'000));
    CHECK_FALSE(is_better(measured, 1'200, measured, 1'000));
}
