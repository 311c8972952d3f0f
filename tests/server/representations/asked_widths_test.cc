#include "server/representations/asked_widths.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace selvage;
using representations::AskedWidths;

namespace {

const Key128 kFamily{1, 1};
using Widths = std::vector<std::uint32_t>;

Widths asked(AskedWidths& widths, std::uint32_t width, std::uint64_t picture, Key128 family = kFamily) {
    auto others = widths.asked(family, width, picture);
    std::ranges::sort(others);
    return others;
}

}  // namespace

SCENARIO("the widths of a srcset are learned from what pages ask for") {
    AskedWidths widths;
    for (const std::uint64_t picture : {1, 2}) {
        for (const std::uint32_t width : {320, 640, 1280}) asked(widths, width, picture);
    }
    THEN("when one width of a third picture is asked for, the others are known") {
        CHECK(asked(widths, 640, 3) == Widths{320, 1280});
    }
    THEN("what was asked of one picture alone is nobody's srcset") {
        asked(widths, 777, 3);
        CHECK(asked(widths, 640, 4) == Widths{320, 1280});
        CHECK(asked(widths, 777, 3) == Widths{320, 640, 1280});
        asked(widths, 777, 4);
        CHECK(asked(widths, 640, 5) == Widths{320, 777, 1280});
    }
    THEN("pictures that are asked for in another way have widths of their own") {
        CHECK(asked(widths, 640, 3, Key128{2, 2}).empty());
    }
}

TEST_CASE("however many widths are made up, few are remembered, and those of the pages stay") {
    AskedWidths widths;
    for (std::uint32_t round = 0; round < 1'000; ++round) {
        asked(widths, 320, round);
        asked(widths, 640, round);
        asked(widths, 1'000 + round, round);
    }
    const Widths others = asked(widths, 640, 5'000);
    CHECK(others == Widths{320});
    for (std::uint64_t i = 0; i < 3 * AskedWidths::kMostFamilies; ++i) asked(widths, 320, i, Key128{7, i});
    CHECK(asked(widths, 320, 1, Key128{7, 0}).empty());
}
