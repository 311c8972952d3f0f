#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace selvage {

// Time is an argument everywhere below server/. Steady for waits and durations, wall for validators and freshness.
using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::sys_seconds;

// IMF-fixdate, 29 characters: "Sun, 06 Nov 1994 08:49:37 GMT". RFC 9110 §5.6.7.
std::string http_date(WallTime time);

// Any of the three date forms of RFC 9110 §5.6.7 (IMF-fixdate, RFC 850, asctime), or nothing when malformed.
// A two-digit year more than 50 years ahead of `now` is in the past.
std::optional<WallTime> parse_http_date(std::string_view text, WallTime now);

}  // namespace selvage
