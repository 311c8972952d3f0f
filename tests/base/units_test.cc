#include "base/units.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

bool size_refused(std::string_view text) {
    const auto size = parse_size(text);
    return !size && size.error().kind == ErrorKind::BadRequest && size.error().detail.find(text) != std::string::npos;
}
bool duration_refused(std::string_view text) {
    const auto duration = parse_duration(text);
    return !duration && duration.error().kind == ErrorKind::BadRequest;
}

}  // namespace

SCENARIO("sizes are written with binary or decimal units") {
    CHECK(parse_size("256MiB") == 256 * kMiB);
    CHECK(parse_size("10GiB") == 10'240 * kMiB);
    CHECK(parse_size("64KiB") == 65'536U);
    CHECK(parse_size("1MB") == 1'000'000U);
    CHECK(parse_size("512") == 512U);
    CHECK(parse_size("512B") == 512U);
    CHECK(parse_size("0") == 0U);
    THEN("the unit's case does not matter") { CHECK(parse_size("1mib") == kMiB); }
    THEN("a fraction is exact") {
        CHECK(parse_size("1.5GiB") == 1'536 * kMiB);
        CHECK(parse_size("0.1KB") == 100U);
    }
    THEN("anything else is refused") {
        for (const char* text : {"", "MiB", "1 MiB", "-1", "+1", "1.MiB", ".5MiB", "1.5", "1.5B", "1M", "1MiBs", "0x10", "1e3",
                                 "9223372036854775808", "8388608TiB", "99999999999999999999999", "1.0000000000001TiB"}) {
            INFO(text);
            CHECK(size_refused(text));
        }
        CHECK(parse_size("9223372036854775807") == 9'223'372'036'854'775'807U);
    }
}

SCENARIO("durations are written with a unit") {
    CHECK(parse_duration("500ms") == 500ms);
    CHECK(parse_duration("10s") == 10s);
    CHECK(parse_duration("15m") == 15min);
    CHECK(parse_duration("1h") == 1h);
    CHECK(parse_duration("30d") == 720h);
    CHECK(parse_duration("1w") == 168h);
    CHECK(parse_duration("0") == 0ms);
    THEN("anything else is refused") {
        for (const char* text : {"", "10", "1.5h", "-1s", "1H", "1 h", "h", "1h30m", "1y", "99999999999999999s"}) {
            INFO(text);
            CHECK(duration_refused(text));
        }
    }
}

TEST_CASE("what is written is the shortest that reads the same") {
    CHECK(format_size(256 * kMiB) == "256MiB");
    CHECK(format_size(1'025) == "1025B");
    CHECK(format_size(0) == "0B");
    CHECK(format_duration(1h) == "1h");
    CHECK(format_duration(90s) == "90s");
    CHECK(format_duration(500ms) == "500ms");
    CHECK(format_duration(0ms) == "0s");
    for (const std::uint64_t bytes : {1ULL, 1'000ULL, 1'024ULL, 3ULL << 40, 1ULL << 62})
        CHECK(parse_size(format_size(bytes)) == bytes);
    for (const auto length : {1ms, 1'500ms, 60'000ms, 86'400'000ms}) CHECK(parse_duration(format_duration(length)) == length);
}
