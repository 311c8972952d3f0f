#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>

#include "base/time.h"
#include "server/http/message.h"

namespace selvage::server {

// Steady time as "2026-11-20T13:55:01.042Z", without reading a clock: the offset to the wall clock is taken, and all but the
// milliseconds written, once per second. A wall clock that is set is followed within that second.
class LineClock {
public:
    static constexpr std::size_t kSize = 24;

    // Writes kSize bytes; up to 8 more may be overwritten. `time`: of this machine's steady clock, not its epoch.
    char* put(char* at, SteadyTime time);

private:
    void begin_second(SteadyTime time);

    SteadyTime second_{std::chrono::hours(-1)};  // when the wall clock's second began; before the steady clock's epoch: never
    std::array<char, 32> text_{};                // "2026-11-20T13:55:01.", then anything
};

// A request as one line of JSON, as access_log.h shows it, in two steps: how long it may be, and the line.
//
// Every byte of a client's that is not printable ASCII stands as \u00XX, and so no two requests look the same and none like two.
struct AccessLine {
    AccessLine(const http::Request& asked, const http::Outcome& how)
        : request(asked), outcome(how), referer(asked.field("referer")), user_agent(asked.field("user-agent")) {}

    // Bytes that write() may touch, no less than the line's: each of a client's bytes may take six.
    std::size_t most() const;
    char* write(char* at, LineClock& clock) const;  // returns the end

    const http::Request& request;
    const http::Outcome& outcome;
    const std::string_view referer;
    const std::string_view user_agent;
};

}  // namespace selvage::server
