#include "server/net/slow_write.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace std::chrono_literals;

SCENARIO("a client must take 500 bytes per second of what waits for it") {  // protocol-and-limits §2
    net::SlowWrite write;
    const SteadyTime begin{1h};
    const auto too_slow = [&](std::chrono::milliseconds at) { return write.is_too_slow(begin + at, 30s, 500); };

    GIVEN("a socket that is full") {
        write.filled(begin);
        THEN("nothing is said before 30 seconds") { CHECK(!too_slow(29'999ms)); }
        WHEN("it took less than that in 30 seconds") {
            write.took(14'999);
            CHECK(too_slow(30s));
        }
        WHEN("it took as much") {
            write.took(15'000);
            CHECK(!too_slow(30s));
            AND_WHEN("it dribbles afterwards") {
                write.had_room(begin + 59s);
                write.took(1);
                write.filled(begin + 59s);
                CHECK(!too_slow(59'999ms));
                THEN("what it took before does not help it") { CHECK(too_slow(60s)); }
            }
        }
        WHEN("it emptied in between") {
            write.had_room(begin + 20s);
            write.emptied();
            THEN("the time until it is full again is not the client's") {
                CHECK(!too_slow(1h));
                write.filled(begin + 1h);
                CHECK(!write.is_too_slow(begin + 1h + 9s, 30s, 500));
                CHECK(write.is_too_slow(begin + 1h + 10s, 30s, 500));
            }
        }
        WHEN("no rate is asked for") { CHECK(!write.is_too_slow(begin + 1h, 30s, 0)); }
    }
    GIVEN("a socket that never was") { CHECK(!too_slow(1h)); }
}
