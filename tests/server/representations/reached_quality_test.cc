#include "server/representations/reached_quality.h"

#include <catch2/catch.hpp>

#include <string>

using namespace selvage;
using representations::ReachedQuality;
using transforms::Format;

namespace {

Sha256 content(int number) { return sha256(std::to_string(number)); }

}  // namespace

SCENARIO("the quality that a picture needed for a target") {  // image-engine §5
    ReachedQuality reached;
    CHECK(reached.recall(content(1), Format::Avif, 80) == 0);
    reached.remember(content(1), Format::Avif, 80, 61);
    THEN("is remembered for its other widths") { CHECK(reached.recall(content(1), Format::Avif, 80) == 61); }
    THEN("says nothing of another picture, format or target") {
        CHECK(reached.recall(content(2), Format::Avif, 80) == 0);
        CHECK(reached.recall(content(1), Format::Webp, 80) == 0);
        CHECK(reached.recall(content(1), Format::Avif, 70) == 0);
    }
    THEN("is the last that was told") {
        reached.remember(content(1), Format::Avif, 80, 64);
        CHECK(reached.recall(content(1), Format::Avif, 80) == 64);
    }
}

TEST_CASE("what was not asked for in a long time is forgotten, what is asked for is not") {
    ReachedQuality reached(100);
    for (int i = 0; i < 1'000; ++i) {
        reached.remember(content(i), Format::Webp, 80, 70);
        CHECK(reached.recall(content(0), Format::Webp, 80) == 70);
    }
    CHECK(reached.recall(content(1), Format::Webp, 80) == 0);
    CHECK(reached.recall(content(999), Format::Webp, 80) == 70);
}
