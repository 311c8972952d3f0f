#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvage {

// "256MiB", "10GiB", "64KiB", "1MB" (10^6), "512" or "512B". Whole numbers, optional fraction ("1.5GiB"), unit case-insensitive.
// Errors: BadRequest naming what was expected; overflow of 2^63.
Result<std::uint64_t> parse_size(std::string_view text);

// "500ms", "10s", "15m", "1h", "30d", "1w"; "0" is zero. Errors: BadRequest.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

std::string format_size(std::uint64_t bytes);                     // "256MiB": the largest exact binary unit
std::string format_duration(std::chrono::milliseconds duration);  // "1h", "90s", "500ms": the largest exact unit

}  // namespace selvage
