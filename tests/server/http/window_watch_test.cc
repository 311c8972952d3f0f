#include "server/http/http2/window_watch.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace std::chrono_literals;
using http::h2::WindowWatch;
using Verdict = WindowWatch::Verdict;

namespace {

// Looked at each second.
struct Looks {
    Verdict look(bool blocked, std::uint64_t more = 0, SteadyTime::duration after = 1s) {
        now += after;
        sent += more;
        return watch.look(now, sent, blocked, {.still = 30s, .slow = 30s, .bytes_per_second = rate});
    }
    // Seconds until it is no longer fine, at most a thousand.
    int seconds(bool blocked, std::uint64_t per_second, Verdict& verdict) {
        for (int second = 0; second < 1'000; ++second) {
            verdict = look(blocked, per_second);
            if (verdict != Verdict::Fine) return second;
        }
        return 1'000;
    }
    WindowWatch watch;
    SteadyTime now{1h};
    std::uint64_t sent = 0;
    std::uint64_t rate = 500;
};

}  // namespace

SCENARIO("a client that keeps its window closed") {  // protocol-and-limits §2
    Looks looks;
    Verdict verdict{};
    THEN("30 seconds without a byte are too long") {
        CHECK(looks.seconds(true, 0, verdict) == 30);
        CHECK(verdict == Verdict::Still);
    }
    THEN("a byte now and then is no progress that counts") {
        CHECK(looks.seconds(true, 1, verdict) == 30);
        CHECK(verdict == Verdict::Slow);
    }
    THEN("499 bytes per second are too few") {
        CHECK(looks.seconds(true, 499, verdict) == 30);
        CHECK(verdict == Verdict::Slow);
    }
    THEN("500 are enough, for ever") { CHECK(looks.seconds(true, 500, verdict) == 1'000); }
    THEN("with no rate asked for a byte now and then is enough") {
        looks.rate = 0;
        CHECK(looks.seconds(true, 1, verdict) == 1'000);
    }
    THEN("whoever was fast may not be slow for ever") {
        for (int second = 0; second < 100; ++second) REQUIRE(looks.look(true, 1'000'000) == Verdict::Fine);
        CHECK(looks.seconds(true, 1, verdict) <= 60);
        CHECK(verdict == Verdict::Slow);
    }
    THEN("nor does it help to open it for a moment") {
        int second = 0;
        while (looks.look(second % 3 != 0, 1) == Verdict::Fine && second < 1'000) ++second;
        CHECK(second < 100);
    }
}

SCENARIO("time that is not the client's") {
    Looks looks;
    Verdict verdict{};
    THEN("while its window is open it is never to blame") { CHECK(looks.seconds(false, 0, verdict) == 1'000); }
    THEN("nor for what it could not be asked: nobody looked") {
        for (int i = 0; i < 100; ++i) REQUIRE(looks.look(true, 0, 6s) == Verdict::Fine);
    }
    WHEN("it was blocked for a while before") {
        for (int i = 0; i < 29; ++i) REQUIRE(looks.look(true) == Verdict::Fine);
        REQUIRE(looks.look(false, 100'000) == Verdict::Fine);
        THEN("the 30 seconds begin anew") {
            looks.rate = 0;
            CHECK(looks.seconds(true, 0, verdict) == 30);
        }
    }
    WHEN("another stream takes its place") {
        for (int i = 0; i < 29; ++i) REQUIRE(looks.look(true) == Verdict::Fine);
        looks.watch.reset();
        looks.sent = 0;
        THEN("nothing is left of the first one") { CHECK(looks.seconds(true, 0, verdict) == 30); }
    }
}
