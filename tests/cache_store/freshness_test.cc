#include "cache_store/freshness.h"

#include <catch2/catch.hpp>

#include <optional>
#include <random>

#include "cache_store/cache_control.h"
#include "cache_store/storing.h"

using namespace selvage;
using namespace selvage::cache_store;
using namespace std::chrono_literals;
using std::chrono::seconds;

namespace {

constexpr std::string_view kDate = "Fri, 20 Nov 2026 10:00:00 GMT";
const WallTime kArrived = *parse_http_date(kDate, WallTime{});

using Fields = std::vector<Field>;

Fields response_of(std::string_view cache_control, Fields others = {}) {
    others.push_back({"Cache-Control", cache_control});
    return others;
}

struct Ask {
    Fields response;
    Fields request = {};
    std::uint16_t status = 200;
    StoringDefaults defaults = {};
    seconds delay = 0s;

    std::expected<Lifetimes, Refusal> lifetimes() const {
        return lifetimes_of({request, status, response, kArrived - delay, kArrived}, defaults);
    }
};

// Seconds from its arrival on, for which a response is fresh; nothing when it is not stored.
std::optional<std::int64_t> fresh_for(const Ask& ask) {
    const auto lifetimes = ask.lifetimes();
    if (!lifetimes) return std::nullopt;
    return std::int64_t{lifetimes->fresh_until} - kArrived.time_since_epoch().count();
}
std::optional<std::int64_t> fresh_for(std::string_view cache_control, Fields others = {}) {
    return fresh_for(Ask{.response = response_of(cache_control, std::move(others))});
}

std::optional<Refusal> refusal(const Ask& ask) {
    const auto lifetimes = ask.lifetimes();
    return lifetimes ? std::nullopt : std::optional(lifetimes.error());
}
std::optional<Refusal> refusal(std::string_view cache_control) { return refusal(Ask{.response = response_of(cache_control)}); }

// For how long after it ceased to be fresh: while revalidating, and when that fails.
std::pair<std::uint32_t, std::uint32_t> stale_for(std::string_view cache_control, StoringDefaults defaults = {}) {
    const auto lifetimes = Ask{.response = response_of(cache_control), .defaults = defaults}.lifetimes();
    REQUIRE(lifetimes);
    return {lifetimes->while_revalidate_until - lifetimes->fresh_until, lifetimes->if_error_until - lifetimes->fresh_until};
}

}  // namespace

SCENARIO("a shared cache decides how long a response stays fresh") {  // RFC 9111 §4.2.1
    CHECK(fresh_for("max-age=60") == 60);
    CHECK(fresh_for("max-age=60, s-maxage=10") == 10);
    CHECK(fresh_for("s-maxage=100, max-age=0") == 100);
    CHECK(fresh_for("MAX-AGE=60") == 60);
    CHECK(fresh_for("public , max-age = 60,,") == 60);
    CHECK(fresh_for("max-age=60, immutable") == 60);  // RFC 8246 says nothing about how long
    THEN("no-store wins over any lifetime") { CHECK_FALSE(fresh_for("max-age=60, no-store")); }
    THEN("silence is not consent") { CHECK_FALSE(fresh_for("")); }
    THEN("Expires counts when there is no max-age, from Date") {
        CHECK(fresh_for("", {{"Expires", "Fri, 20 Nov 2026 10:05:00 GMT"}}) == 300);
        CHECK(fresh_for("", {{"Expires", "Fri, 20 Nov 2026 10:05:00 GMT"}, {"Date", "Fri, 20 Nov 2026 10:04:00 GMT"}}) == 60);
        CHECK(fresh_for("max-age=7", {{"Expires", "Fri, 20 Nov 2026 10:05:00 GMT"}}) == 7);
        CHECK(fresh_for("", {{"Expires", "Fri, 20 Nov 2026 09:00:00 GMT"}}) == 0);
        CHECK(fresh_for("", {{"Expires", "0"}}) == 0);  // §5.3
        CHECK(fresh_for("", {{"Expires", "tomorrow"}}) == 0);
    }
    THEN("of what is in doubt, the one that is sooner stale counts") {  // §4.2.1
        CHECK(fresh_for("max-age=60, max-age=5") == 5);
        CHECK(fresh_for("max-age=5", {{"cache-control", "max-age=60"}}) == 5);
        CHECK(fresh_for("max-age=soon") == 0);
        CHECK(fresh_for("max-age=-1") == 0);
        CHECK(fresh_for("max-age=1.5") == 0);
        CHECK(fresh_for("max-age=") == 0);
        CHECK(fresh_for("max-age") == 0);
    }
    THEN("a number is capped, and may be quoted") {  // §1.2.2, §5.2
        CHECK(fresh_for("max-age=99999999999999999999999999") == 1LL << 31);
        CHECK(fresh_for("max-age=\"60\"") == 60);
        CHECK(fresh_for("max-age=060") == 60);
    }
    THEN("what is within a quoted string is no directive") { CHECK(fresh_for("ext=\"no-store, max-age=1\", max-age=60") == 60); }
    THEN("no-cache is kept, to be asked about every time") {  // §5.2.2.4
        CHECK(fresh_for("no-cache, max-age=60") == 0);
        CHECK(fresh_for("no-cache=\"Set-Cookie\", max-age=60") == 0);
        CHECK(fresh_for("no-cache") == 0);
    }
}

SCENARIO("how old a response is when it arrives") {  // RFC 9111 §4.2.3
    const auto after = [](Fields fields, seconds delay = 0s) {
        return fresh_for(Ask{.response = response_of("max-age=100", std::move(fields)), .delay = delay});
    };
    CHECK(after({}) == 100);
    CHECK(after({{"Age", "30"}}) == 70);
    CHECK(after({{"Age", "30"}}, 5s) == 65);
    CHECK(after({}, 5s) == 95);
    CHECK(after({{"Date", "Fri, 20 Nov 2026 09:59:20 GMT"}}) == 60);                 // apparent age
    CHECK(after({{"Date", "Fri, 20 Nov 2026 09:59:20 GMT"}, {"Age", "60"}}) == 40);  // the greater of both
    CHECK(after({{"Date", "Fri, 20 Nov 2026 10:10:00 GMT"}}) == 100);                // a clock that is ahead
    CHECK(after({{"Date", "never"}}) == 100);
    CHECK(after({{"Age", "130"}}) == -30);
    CHECK(after({{"Age", "old"}}) == 100);    // §5.1: ignored
    CHECK(after({{"Age", "10, 20"}}) == 90);  // the first
    CHECK(after({{"Age", "-10"}}) == 100);
}

SCENARIO("a shared cache does not store what is not for all") {  // RFC 9111 §3
    CHECK(refusal("no-store") == Refusal::OriginSaysNoStore);
    CHECK(refusal("private, max-age=60") == Refusal::OriginSaysPrivate);
    CHECK(refusal("private=\"Set-Cookie\", max-age=60") == Refusal::OriginSaysPrivate);
    CHECK(refusal("public") == Refusal::NoLifetime);
    CHECK(refusal("") == Refusal::NoLifetime);
    CHECK(refusal("max-age=60") == std::nullopt);
    CHECK(name_of(Refusal::OriginSaysPrivate) == "origin_says_private");
    THEN("nor what the client does not want stored") {  // §5.2.1.5
        CHECK(refusal({.response = response_of("max-age=60"), .request = {{"cache-control", "no-store"}}}) ==
              Refusal::RequestSaysNoStore);
    }
    THEN("nor an answer to who has authorized himself, unless it says so") {  // §3.5
        const auto authorized = [](std::string_view cache_control) {
            return refusal({.response = response_of(cache_control), .request = {{"authorization", "Basic YTpi"}}});
        };
        CHECK(authorized("max-age=60") == Refusal::Authorized);
        CHECK(authorized("max-age=60, public") == std::nullopt);
        CHECK(authorized("max-age=60, must-revalidate") == std::nullopt);
        CHECK(authorized("s-maxage=60") == std::nullopt);
    }
    THEN("nor what varies by everything") {  // §4.1
        CHECK(refusal({.response = response_of("max-age=60", {{"Vary", "Accept, *"}})}) == Refusal::VariesByAll);
        CHECK(refusal({.response = response_of("max-age=60", {{"Vary", "Accept"}})}) == std::nullopt);
    }
    THEN("nor parts, nor answers about what it has, nor interim ones") {
        for (const std::uint16_t status : std::initializer_list<std::uint16_t>{103, 206, 304}) {
            CHECK(refusal({.response = response_of("max-age=60"), .status = status}) == Refusal::StatusNotUnderstood);
        }
        CHECK(refusal({.response = response_of("max-age=60"), .status = 404}) == std::nullopt);
        CHECK(refusal({.response = response_of("max-age=60"), .status = 503}) == std::nullopt);
    }
    THEN("must-understand outweighs no-store for who understands") {  // §5.2.2.3
        CHECK(refusal("must-understand, no-store, max-age=60") == std::nullopt);
        CHECK(refusal({.response = response_of("must-understand, no-store, max-age=60"), .status = 299}) ==
              Refusal::StatusNotUnderstood);
    }
}

SCENARIO("a lifetime is made up only when that is asked for") {  // RFC 9111 §4.2.2
    const Fields modified = {{"Last-Modified", "Fri, 20 Nov 2026 09:00:00 GMT"}};
    const StoringDefaults made_up{.longest_heuristic = 300s};
    CHECK(refusal({.response = modified}) == Refusal::NoLifetime);
    CHECK(fresh_for({.response = modified, .defaults = made_up}) == 300);
    CHECK(fresh_for({.response = modified, .defaults = {.longest_heuristic = 1h}}) == 360);  // a tenth
    CHECK(fresh_for({.response = response_of("max-age=1", modified), .defaults = made_up}) == 1);
    CHECK(refusal({.response = modified, .status = 500, .defaults = made_up}) == Refusal::NoLifetime);
    CHECK(fresh_for({.response = response_of("public", modified), .status = 500, .defaults = made_up}) == 300);
    CHECK(refusal({.response = {{"Last-Modified", "long ago"}}, .defaults = made_up}) == Refusal::NoLifetime);
    CHECK(fresh_for({.response = {{"Last-Modified", "Fri, 20 Nov 2026 11:00:00 GMT"}}, .defaults = made_up}) == 0);
}

SCENARIO("what is stale may be used for a while") {  // RFC 5861
    using Pair = std::pair<std::uint32_t, std::uint32_t>;
    CHECK(stale_for("max-age=60") == Pair{0, 0});
    CHECK(stale_for("max-age=60, stale-while-revalidate=30") == Pair{30, 30});
    CHECK(stale_for("max-age=60, stale-if-error=90") == Pair{0, 90});
    CHECK(stale_for("max-age=60, stale-while-revalidate=90, stale-if-error=30") == Pair{90, 90});
    const StoringDefaults defaults{.while_revalidate = 10s, .if_error = 20s};
    CHECK(stale_for("max-age=60", defaults) == Pair{10, 20});
    CHECK(stale_for("max-age=60, stale-while-revalidate=0", defaults) == Pair{0, 20});
    THEN("but not when the origin forbids it") {  // RFC 9111 §4.2.4, §5.2.2.2, §5.2.2.8, §5.2.2.10
        CHECK(stale_for("max-age=60, must-revalidate, stale-while-revalidate=30", defaults) == Pair{0, 0});
        CHECK(stale_for("max-age=60, proxy-revalidate", defaults) == Pair{0, 0});
        CHECK(stale_for("no-cache, stale-if-error=30", defaults) == Pair{0, 0});
        CHECK(stale_for("s-maxage=60", defaults) == Pair{0, 0});
        CHECK(stale_for("s-maxage=60, stale-while-revalidate=30", defaults) == Pair{30, 30});
    }
}

SCENARIO("what is stored is fresh, then stale, then gone") {
    const Lifetimes lifetimes{.fresh_until = 100, .while_revalidate_until = 200, .if_error_until = 300};
    const auto at = [&](int second, bool softly = false) { return freshness_of(lifetimes, WallTime(seconds(second)), softly); };
    CHECK(at(99) == Freshness::Fresh);
    CHECK(at(100) == Freshness::WhileRevalidate);
    CHECK(at(199) == Freshness::WhileRevalidate);
    CHECK(at(200) == Freshness::IfError);
    CHECK(at(300) == Freshness::Gone);
    THEN("a soft purge makes stale what is fresh, and nothing worse of what is stale") {
        CHECK(at(99, true) == Freshness::WhileRevalidate);
        CHECK(at(150, true) == Freshness::WhileRevalidate);
        CHECK(at(250, true) == Freshness::IfError);
        CHECK(at(300, true) == Freshness::Gone);
    }
    THEN("what is derived never ages") {
        CHECK(freshness_of(kForever, WallTime(seconds(1LL << 40)), false) == Freshness::Fresh);
        CHECK(freshness_of(kForever, WallTime(seconds(0)), true) == Freshness::WhileRevalidate);
    }
}

TEST_CASE("no Cache-Control field, however odd, breaks anything, and the three times are in order") {
    std::mt19937 dice(7);
    const std::vector<std::string> pieces = {"max-age",
                                             "s-maxage",
                                             "no-store",
                                             "private",
                                             "=",
                                             "\"",
                                             ",",
                                             ";",
                                             "\\",
                                             " ",
                                             "60",
                                             "-1",
                                             "99999999999999999999",
                                             "stale-while-revalidate=5",
                                             "stale-if-error",
                                             "\x80",
                                             "\t",
                                             "must-revalidate"};
    for (int i = 0; i < 20'000; ++i) {
        std::string value;
        for (auto n = dice() % 12; n > 0; --n) value += pieces[dice() % pieces.size()];
        const Ask ask{.response = {{"Cache-Control", value}, {"Age", value}, {"Expires", value}, {"Vary", value}}, .status = 200};
        if (const auto lifetimes = ask.lifetimes()) {
            REQUIRE(lifetimes->fresh_until <= lifetimes->while_revalidate_until);
            REQUIRE(lifetimes->while_revalidate_until <= lifetimes->if_error_until);
        }
    }
}
