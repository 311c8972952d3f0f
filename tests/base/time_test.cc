#include "base/time.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace std::chrono;

namespace {

constexpr WallTime kExample{784'111'777s};  // 1994-11-06 08:49:37 UTC
constexpr WallTime kNow{1'795'168'080s};    // 2026-11-20

std::optional<WallTime> parsed(std::string_view text) { return parse_http_date(text, kNow); }

}  // namespace

TEST_CASE("a date is written as IMF-fixdate") {  // RFC 9110 §5.6.7
    CHECK(http_date(kExample) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(http_date(WallTime{}) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(http_date(sys_days{2024y / February / 29} + 23h + 59min + 59s) == "Thu, 29 Feb 2024 23:59:59 GMT");
}

TEST_CASE("dates out of four-digit years are written as the nearest that can be") {
    CHECK(http_date(WallTime::max()) == "Fri, 31 Dec 9999 23:59:59 GMT");
    CHECK(http_date(WallTime::min()) == "Sat, 01 Jan 0000 00:00:00 GMT");
}

SCENARIO("all three date forms are understood") {  // RFC 9110 §5.6.7
    CHECK(parsed("Sun, 06 Nov 1994 08:49:37 GMT") == kExample);
    CHECK(parsed("Sunday, 06-Nov-94 08:49:37 GMT") == kExample);
    CHECK(parsed("Sun Nov  6 08:49:37 1994") == kExample);
    CHECK(parsed("Wed Nov 16 08:49:37 1994") == kExample + 24h * 10);

    THEN("what was written is read again") {
        for (const WallTime time : {WallTime{}, kExample, kNow, kNow + 24h * 365 * 100}) CHECK(parsed(http_date(time)) == time);
    }
    THEN("a two-digit year more than 50 years ahead lies in the past") {
        CHECK(parsed("Friday, 20-Nov-76 00:00:00 GMT") == sys_days{2076y / November / 20});
        CHECK(parsed("Saturday, 20-Nov-77 00:00:00 GMT") == sys_days{1977y / November / 20});
        CHECK(parsed("Monday, 20-Dec-76 00:00:00 GMT") == sys_days{1976y / December / 20});
    }
    THEN("a leap second is the second after") { CHECK(parsed("Sat, 31 Dec 2016 23:59:60 GMT") == sys_days{2017y / January / 1}); }
    THEN("what is malformed is no date") {
        for (const char* text :
             {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ",
              "Sun, 6 Nov 1994 08:49:37 GMT", "sun, 06 nov 1994 08:49:37 gmt", "Sun, 31 Feb 1994 08:49:37 GMT",
              "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
              "Sun, 06 Nov -994 08:49:37 GMT", "0", "Sun Nov 6 08:49:37 1994", "784111777"}) {
            CHECK_FALSE(parsed(text).has_value());
        }
    }
}
