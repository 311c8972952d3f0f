#include "server/access_log_line.h"

#include <catch2/catch.hpp>
#include <fmt/chrono.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace selvage;
using namespace selvage::server;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

namespace {

http::Request request() {
    http::Request request;
    request.method_text = "GET";
    request.protocol = http::Protocol::Http2;
    request.authority = "example.org";
    request.target = "/a?b=1";
    request.peer = "192.0.2.1";
    request.received = SteadyTime(std::chrono::seconds(1'000));
    return request;
}

// The line, which must fit into what it said that it might need.
std::string line_of(const http::Request& request, const http::Outcome& outcome) {
    const AccessLine line(request, outcome);
    std::string text(line.most(), '?');
    LineClock clock;
    text.resize(static_cast<std::size_t>(line.write(text.data(), clock) - text.data()));
    return text;
}

// From the client's address on: the time is another's matter.
std::string after_time(const std::string& line) { return line.substr(line.find(",\"client\"")); }

std::string target_in_line(std::string_view target) {
    http::Request asked = request();
    asked.target = target;
    const std::string line = line_of(asked, {.status = 200});
    const std::size_t begin = line.find("\"target\":\"") + 10;
    return line.substr(begin, line.rfind("\",\"protocol\"") - begin);
}

std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            result += std::string("\\") + c;
        } else if (byte < 0x20 || byte >= 0x7f) {
            result += fmt::format("\\u{:04x}", byte);
        } else {
            result += c;
        }
    }
    return result;
}

std::string second_of(system_clock::time_point wall) {
    return fmt::format("{:%FT%T}", fmt::gmtime(system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(wall))));
}

}  // namespace

TEST_CASE("a line is what it was before it was fast") {
    http::Request asked = request();
    asked.fields = {{"user-agent", "curl/8 \"x\""}, {"referer", "https://example.org/\t"}};
    const http::Outcome outcome{.status = 206,
                                .verdict = http::Verdict::DiskHit,
                                .complete = true,
                                .body_bytes = 1'234'567,
                                .fill_time = microseconds(56),
                                .first_byte = asked.received + microseconds(78),
                                .finished = asked.received + microseconds(9'012)};
    CHECK(after_time(line_of(asked, outcome)) ==
          R"(,"client":"192.0.2.1","method":"GET","host":"example.org","target":"/a?b=1","protocol":"h2","status":206,)"
          R"("bytes":1234567,"duration_us":9012,"first_byte_us":78,"fill_us":56,"cache":"disk-hit","complete":true,)"
          R"("referer":"https://example.org/\u0009","user_agent":"curl/8 \"x\""})"
          "\n");
    http::Outcome coded = outcome;
    coded.coding = "zstd";
    CHECK(after_time(line_of(request(), coded))
              .ends_with(R"("cache":"disk-hit","complete":true,"coding":"zstd"})"
                         "\n"));
    CHECK(after_time(line_of(http::Request{}, {.status = 408})) ==
          R"(,"client":"","method":"","host":"","target":"","protocol":"http/1.1","status":408,"bytes":0,"duration_us":0,)"
          R"("first_byte_us":0,"fill_us":0,"cache":"none","complete":false})"
          "\n");
}

TEST_CASE("a byte that needs it is escaped, wherever it stands") {
    for (std::size_t size = 0; size <= 50; ++size) {
        const std::string plain(size, '~');
        REQUIRE(target_in_line(plain) == plain);
        for (std::size_t at = 0; at < size; ++at) {
            for (const char byte : {'"', '\\', '\x1f', '\x7f', '\x80', '\xff', '\0', ' ', '!', '#', '[', ']'}) {
                std::string text = plain;
                text[at] = byte;
                REQUIRE(target_in_line(text) == escaped(text));
            }
        }
    }
}

TEST_CASE("a text may take six times its length") {
    http::Request asked = request();
    const std::string hostile(30'000, '\x01');
    asked.target = asked.method_text = asked.authority = asked.peer = hostile;
    asked.fields = {{"user-agent", hostile}, {"referer", hostile}};
    CHECK(line_of(asked, {.status = 200}).size() > 6 * 6 * hostile.size());
}

TEST_CASE("numbers of any size") {
    for (const std::uint64_t number :
         {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{10}, std::uint64_t{99}, std::uint64_t{100}, std::uint64_t{909},
          std::uint64_t{999}, std::uint64_t{1'000}, std::uint64_t{9'009}, std::uint64_t{9'999}, std::uint64_t{10'000},
          std::numeric_limits<std::uint64_t>::max()}) {
        const std::string line = line_of(request(), {.status = 200, .body_bytes = number});
        CHECK(line.find(",\"bytes\":" + std::to_string(number) + ",") != std::string::npos);
    }
    http::Outcome back{.status = 65'535, .fill_time = microseconds(-5)};
    back.finished = request().received - microseconds(1'234);
    const std::string line = line_of(request(), back);
    CHECK(line.find("\"status\":65535,") != std::string::npos);
    CHECK(line.find("\"duration_us\":-1234,") != std::string::npos);
    CHECK(line.find("\"fill_us\":-5,") != std::string::npos);
}

SCENARIO("the time of a line is when its response was finished, on the wall clock") {
    LineClock clock;
    std::string text(64, '?');
    const auto put = [&](SteadyTime time) { return std::string(text.data(), clock.put(text.data(), time)); };
    // Both clocks at once, or as nearly as a second try allows.
    SteadyTime steady;
    system_clock::time_point wall;
    do {
        steady = steady_clock::now();
        wall = system_clock::now();
    } while (steady_clock::now() - steady > microseconds(100));

    for (const auto ago : {milliseconds(0), milliseconds(999), milliseconds(1'000), milliseconds(86'400'000), milliseconds(1)}) {
        const std::string said = put(steady - ago);
        const auto exact = wall - ago;
        INFO(said);
        REQUIRE(said.size() == LineClock::kSize);
        CHECK(said[19] == '.');
        CHECK(said.back() == 'Z');
        // The two readings are up to a tenth of a millisecond apart: it may have been the one before or after.
        const auto close = [&](milliseconds by) {
            const auto whole = std::chrono::floor<milliseconds>(exact + by);
            return said == second_of(whole) + fmt::format(".{:03}Z", whole.time_since_epoch().count() % 1000);
        };
        CHECK((close(milliseconds(-1)) || close(milliseconds(0)) || close(milliseconds(1))));
    }
    THEN("it goes on by the millisecond and never leaps") {
        std::string before = put(steady);
        for (int i = 1; i <= 2'500; ++i) {
            const std::string now = put(steady + milliseconds(i));
            REQUIRE(now > before);
            before = now;
        }
    }
}
