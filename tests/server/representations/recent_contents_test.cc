#include "server/representations/recent_contents.h"

#include <catch2/catch.hpp>

#include <string>

using namespace selvage;
using namespace selvage::representations;
using namespace std::chrono_literals;

namespace {

const SteadyTime kStart = SteadyTime{} + 1h;

Sha256 content(int number) { return sha256(std::to_string(number)); }

}  // namespace

SCENARIO("what is known of a content is forgotten when nobody has asked for it") {
    RecentContents<int> recent(100, 1min);
    recent.find_or_add(content(1), kStart) = 7;
    CHECK(*recent.find(content(1), kStart + 59s) == 7);
    THEN("after two ages at the latest") {
        recent.find(content(2), kStart + 61s);
        recent.find(content(2), kStart + 122s);
        CHECK(recent.find(content(1), kStart + 122s) == nullptr);
        CHECK(recent.size() == 0);
    }
    THEN("also when nobody came meanwhile") { CHECK(recent.find(content(1), kStart + 121s) == nullptr); }
    THEN("but not while somebody asks") {
        for (int minute = 1; minute < 10; ++minute) {
            REQUIRE(recent.find(content(1), kStart + minute * 61s) != nullptr);
            CHECK(*recent.find(content(1), kStart + minute * 61s) == 7);
        }
    }
}

TEST_CASE("no more contents are remembered than there is room for, the last ones first") {
    RecentContents<int> recent(100, 1h);
    for (int i = 0; i < 1'000; ++i) {
        recent.find_or_add(content(i), kStart) = i;
        REQUIRE(recent.size() <= 100);
    }
    for (int i = 951; i < 1'000; ++i) CHECK(recent.find(content(i), kStart) != nullptr);
}
