#include "server/net/pace.h"

#include <catch2/catch.hpp>

using namespace selvage;
using net::Pace;
using namespace std::chrono_literals;

SCENARIO("little is committed on a slow way, much on a fast one") {  // static-delivery §7
    Pace pace;
    const auto takes = [&](std::size_t bytes) { return pace.took(bytes, Pace::kSlow); };
    THEN("nothing is known at first: little") { CHECK(pace.flush() == Pace::kSlow); }
    WHEN("the socket takes 256 KiB, be it in parts, and is never full for long") {
        CHECK(!takes(Pace::kSlow));
        CHECK(!pace.took(Pace::kSlow / 2, Pace::kSlow));
        CHECK(!pace.had_room_after(Pace::kStall / 2));
        CHECK(!pace.took(Pace::kSlow / 2, Pace::kSlow));
        CHECK(!takes(Pace::kSlow));
        CHECK(takes(Pace::kSlow));
        THEN("it is fast, and says so once") {
            CHECK(pace.flush() == Pace::kFast);
            CHECK(!takes(Pace::kSlow));
        }
        AND_WHEN("it takes four times as long for four times as much") {
            CHECK(!pace.had_room_after(4 * Pace::kStall - 1ms));
            THEN("it is as fast") { CHECK(pace.flush() == Pace::kFast); }
        }
        AND_WHEN("it is full for longer than that") {
            CHECK(pace.had_room_after(4 * Pace::kStall));
            THEN("it is slow") { CHECK(pace.flush() == Pace::kSlow); }
        }
    }
    WHEN("the flushes are small ones") {
        for (int i = 0; i < 100; ++i) CHECK(!pace.took(Pace::kSlow / 2 - 1, Pace::kSlow / 2 - 1));
        THEN("that proves nothing") { CHECK(pace.flush() == Pace::kSlow); }
    }
    WHEN("it was full for long in between") {
        for (int i = 0; i < 3; ++i) takes(Pace::kSlow);
        CHECK(!pace.had_room_after(100ms));
        THEN("the count begins anew") { CHECK(!takes(Pace::kSlow)); }
    }
}
