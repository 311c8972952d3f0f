#include "server/representations/client_misses.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace selvage;
using namespace selvage::representations;
using namespace std::chrono_literals;

namespace {

const SteadyTime kStart = SteadyTime{} + 1h;

void set(ClientMisses& misses, unsigned rate, unsigned burst) {
    config::Image image;
    image.client_misses = rate;
    image.client_misses_burst = burst;
    misses.set_limits(image, {});
}

unsigned taken(ClientMisses& misses, std::string_view peer, SteadyTime now) {
    unsigned count = 0;
    while (count < 1'000 && misses.take(peer, now)) ++count;
    return count;
}

}  // namespace

SCENARIO("a client may have so many variants made") {  // image-urls §3
    ClientMisses misses;
    set(misses, 20, 100);
    CHECK(taken(misses, "192.0.2.1", kStart) == 100);
    THEN("and then so many per second") {
        CHECK(taken(misses, "192.0.2.1", kStart + 1s) == 20);
        CHECK(taken(misses, "192.0.2.1", kStart + 1s) == 0);
        CHECK(taken(misses, "192.0.2.1", kStart + 1h) == 100);
    }
    THEN("what is refused is not counted") {
        for (int i = 0; i < 1'000; ++i) misses.take("192.0.2.1", kStart);
        CHECK(taken(misses, "192.0.2.1", kStart + 1s) == 20);
    }
    THEN("to ask whether there is one takes none") {
        for (int i = 0; i < 1'000; ++i) CHECK(!misses.has_one("192.0.2.1", kStart));
        for (int i = 0; i < 1'000; ++i) CHECK(misses.has_one("192.0.2.1", kStart + 50ms));
        CHECK(misses.has_one("192.0.2.2", kStart));
        CHECK(taken(misses, "192.0.2.1", kStart + 1s) == 20);
    }
    THEN("others are not concerned") { CHECK(taken(misses, "192.0.2.2", kStart) == 100); }
}

SCENARIO("who a client is") {
    ClientMisses misses;
    set(misses, 20, 100);
    THEN("the whole /64 of an IPv6 subscriber") {
        CHECK(taken(misses, "2001:db8::1", kStart) == 100);
        CHECK(taken(misses, "2001:db8::2", kStart) == 0);
        CHECK(taken(misses, "2001:db8:0:1::1", kStart) == 100);
    }
    THEN("programs of this machine and whoever is exempt are not counted") {
        CHECK(taken(misses, "127.0.0.1", kStart) == 1'000);
        CHECK(taken(misses, "::1", kStart) == 1'000);
        CHECK(taken(misses, "", kStart) == 1'000);
    }
    THEN("with a rate of none, nobody is") {
        set(misses, 0, 1);
        CHECK(taken(misses, "192.0.2.1", kStart) == 1'000);
    }
}

TEST_CASE("clients are forgotten when their buckets are full, and remembered up to a bound") {
    ClientMisses misses;
    set(misses, 1, 100);
    for (unsigned i = 0; i < 70'000; ++i) misses.take(fmt::format("10.{}.{}.{}", i >> 16, i >> 8 & 255, i & 255), kStart);
    CHECK(misses.clients() <= ClientMisses::kMost);
    CHECK(misses.clients() > ClientMisses::kMost / 2);
    for (unsigned i = 0; i < 40'000; ++i) misses.take("192.0.2.1", kStart + 1h);
    CHECK(misses.clients() == 1);
}
