#include "server/http/http2/conduct.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace std::chrono_literals;
using http::LimitHit;
using http::h2::Bucket;
using http::h2::Conduct;
using http::h2::Glitch;

namespace {

constexpr SteadyTime kBegin{std::chrono::hours(1)};

// How often it takes that before it is full.
int fits(Bucket& bucket, unsigned cost, SteadyTime now) {
    int times = 0;
    while (bucket.take(cost, now)) ++times;
    return times;
}

}  // namespace

SCENARIO("a leaky bucket") {
    Bucket bucket(200, 20);
    THEN("so much at once") { CHECK(fits(bucket, 1, kBegin) == 200); }
    THEN("dear things fill it sooner") { CHECK(fits(bucket, 10, kBegin) == 20); }
    WHEN("it is full") {
        for (int i = 0; i < 200; ++i) REQUIRE(bucket.take(1, kBegin));
        THEN("so much per second comes back") { CHECK(fits(bucket, 1, kBegin + 3s) == 60); }
        THEN("fractions of it too") { CHECK(fits(bucket, 1, kBegin + 50ms) == 1); }
        THEN("never more than there was") { CHECK(fits(bucket, 1, kBegin + 24h) == 200); }
        THEN("a clock that goes back fills nothing and loses nothing") {
            CHECK(bucket.take(0, kBegin - 1s));
            CHECK(fits(bucket, 1, kBegin + 1s) == 20);
        }
    }
    WHEN("as much is taken as comes back") {
        for (int i = 0; i < 1'000; ++i) REQUIRE(bucket.take(1, kBegin + i * 50ms));
        THEN("it stays full") { CHECK(fits(bucket, 1, kBegin + 1'000 * 50ms) == 200); }
    }
}

SCENARIO("what is of no use has a price") {  // protocol-and-limits §2
    const config::Http2 limits;
    const auto affordable = [&](Glitch glitch) {
        Conduct conduct(limits);
        unsigned times = 0;
        while (conduct.glitch(glitch, kBegin) == LimitHit::kCount) ++times;
        CHECK(conduct.glitch(glitch, kBegin) == LimitHit::Glitches);
        return times;
    };
    using enum Glitch;
    for (const Glitch dear : {EmptyData, EmptyHeaders, EmptyContinuation, Settings}) CHECK(affordable(dear) == 1'000 / 5);
    for (const Glitch cheap : {Ping, Priority, TinyWindowUpdate, UnknownType}) CHECK(affordable(cheap) == 1'000);
    CHECK(affordable(PaddingOnly) == 1'000 / 2);
    CHECK(affordable(ClosedStream) == 1'000 / 2);
    CHECK(affordable(Oversized) == 1'000 / 50);
    CHECK(affordable(GoAway) == 1'000 / 10);
    THEN("a hundred PINGs per second may go on for ever") {
        Conduct conduct(limits);
        for (int i = 0; i < 100'000; ++i) REQUIRE(conduct.glitch(Ping, kBegin + i * 10ms) == LimitHit::kCount);
    }
}

SCENARIO("requests that are taken back") {  // protocol-and-limits §2
    const config::Http2 limits;
    Conduct conduct(limits);
    const auto ask = [&](int streams) {
        for (int i = 0; i < streams; ++i) conduct.stream();
    };

    GIVEN("a browser that leaves a page of 200 images at once") {
        ask(200);
        for (int i = 0; i < 200; ++i) REQUIRE(conduct.reset(10ms, kBegin) == LimitHit::kCount);
        THEN("one more is too much") { CHECK(conduct.reset(2s, kBegin) == LimitHit::Resets); }
    }
    GIVEN("a reader who scrolls through a gallery, ten images per second, and stays with every other") {
        THEN("it may go on for ever") {
            for (int i = 0; i < 10'000; ++i) {
                conduct.stream();
                if (i % 2 == 1) REQUIRE(conduct.reset(300ms, kBegin + i * 100ms) == LimitHit::kCount);
            }
        }
    }
    GIVEN("downloads that are given up late") {
        THEN("that is no sign of anything") {
            for (int i = 0; i < 10'000; ++i) {
                conduct.stream();
                REQUIRE(conduct.reset(1s, kBegin + i * 100ms) == LimitHit::kCount);
            }
        }
    }
    GIVEN("somebody who asks and takes back slowly enough for the bucket") {
        int taken_back = 0;
        LimitHit hit = LimitHit::kCount;
        while (hit == LimitHit::kCount && taken_back < 1'000) {
            conduct.stream();
            hit = conduct.reset(10ms, kBegin + ++taken_back * 100ms);
        }
        CHECK(hit == LimitHit::EarlyResets);
        CHECK(taken_back == 201);
    }
    GIVEN("somebody who was good before") {
        ask(10'000);
        int taken_back = 0;
        LimitHit hit = LimitHit::kCount;
        while (hit == LimitHit::kCount && taken_back < 10'000) {
            conduct.stream();
            hit = conduct.reset(10ms, kBegin + ++taken_back * 100ms);
        }
        THEN("the past fades") {
            CHECK(hit == LimitHit::EarlyResets);
            CHECK(taken_back < 1'000);
        }
    }
    GIVEN("a limit of 100 percent") {
        config::Http2 any;
        any.early_resets = 100;
        Conduct patient(any);
        for (int i = 0; i < 10'000; ++i) {
            patient.stream();
            REQUIRE(patient.reset(0s, kBegin + i * 100ms) == LimitHit::kCount);
        }
    }
}

SCENARIO("requests beyond the streams that were announced") {  // protocol-and-limits §2
    const config::Http2 limits;
    Conduct conduct(limits);
    for (int i = 0; i < 100; ++i) REQUIRE(conduct.refuse(kBegin + i * 1ms) == LimitHit::kCount);
    THEN("a hundred in ten seconds, not one more") { CHECK(conduct.refuse(kBegin + 10s) == LimitHit::RefusedStreams); }
    THEN("later it may be wrong again") { CHECK(conduct.refuse(kBegin + 11s) == LimitHit::kCount); }
}

SCENARIO("acknowledgements that wait") {  // protocol-and-limits §2
    const config::Http2 limits;
    Conduct conduct(limits);
    for (int i = 0; i < 100; ++i) REQUIRE(conduct.acknowledge() == LimitHit::kCount);
    THEN("a hundred, not one more") { CHECK(conduct.acknowledge() == LimitHit::Acknowledgements); }
    THEN("once they are sent, as many again") {
        conduct.acknowledged();
        for (int i = 0; i < 100; ++i) REQUIRE(conduct.acknowledge() == LimitHit::kCount);
    }
}
