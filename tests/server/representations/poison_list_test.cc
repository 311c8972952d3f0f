#include "server/representations/poison_list.h"

#include <catch2/catch.hpp>

#include <string>

using namespace selvage;
using namespace selvage::representations;
using namespace std::chrono_literals;

namespace {

const SteadyTime kNow{100h};

}  // namespace

SCENARIO("a source that was with two lost workers is refused for an hour") {  // protocol-and-limits §7
    PoisonList list;
    const Sha256 picture = sha256("picture");
    CHECK(!list.refuses(picture, kNow));
    CHECK(!list.crashed(picture, kNow));
    CHECK(!list.refuses(picture, kNow));
    WHEN("it happens again") {
        CHECK(list.crashed(picture, kNow + 59min));
        CHECK(list.refuses(picture, kNow + 59min));
        CHECK(list.refuses(picture, kNow + 59min + 1h));
        CHECK(!list.refuses(picture, kNow + 59min + 1h + 1s));
        CHECK(!list.refuses(sha256("other"), kNow + 59min));
        THEN("that is told once") { CHECK(!list.crashed(picture, kNow + 60min)); }
        THEN("after the hour it has two tries again") {
            CHECK(!list.crashed(picture, kNow + 3h));
            CHECK(!list.refuses(picture, kNow + 3h));
            CHECK(list.crashed(picture, kNow + 3h));
        }
    }
    WHEN("it happens again much later") {
        CHECK(!list.crashed(picture, kNow + 61min));
        THEN("the first time is forgotten") { CHECK(!list.refuses(picture, kNow + 61min)); }
    }
}

TEST_CASE("the list is bounded, and the one is forgotten whose last crash is longest ago") {
    PoisonList list(3);
    for (const char* name : {"a", "a", "b", "b", "c", "c"}) list.crashed(sha256(name), kNow);
    list.crashed(sha256("a"), kNow);
    list.crashed(sha256("d"), kNow);
    CHECK(list.size() == 3);
    CHECK(list.refuses(sha256("a"), kNow));
    CHECK(!list.refuses(sha256("b"), kNow));
    CHECK(list.refuses(sha256("c"), kNow));
}
