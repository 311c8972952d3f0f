#include "base/log.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <string>

#include "base/ascii.h"

namespace selvage {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 5> kNames = {"debug", "info", "warn", "error", "off"};

void append_time(std::string& line, sys_time<milliseconds> now) {
    const auto today = floor<days>(now);
    const year_month_day date{today};
    const hh_mm_ss clock{now - today};
    fmt::format_to(std::back_inserter(line), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                   clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

void append_escaped(std::string& line, std::string_view text) {
    for (const char c : text) {
        if (is_control(c)) {
            fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            line.push_back(c);
        }
    }
}

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view name) {
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        if (kNames[i] == name) return static_cast<LogLevel>(i);
    }
    return std::nullopt;
}

std::string_view name_of(LogLevel level) { return kNames[static_cast<std::size_t>(level)]; }

void Log::write(LogLevel level, std::string_view topic, std::string_view message) {
    std::string line;
    line.reserve(48 + topic.size() + message.size());
    append_time(line, floor<milliseconds>(system_clock::now()));
    line += ' ';
    line += name_of(level);
    line += ' ';
    append_escaped(line, topic);
    line += ": ";
    append_escaped(line, message);
    line += '\n';
    // A log that cannot be written has nowhere to say so; what matters has other channels (exit status, metrics).
    while (::write(descriptor_, line.data(), line.size()) < 0 && errno == EINTR) {
    }
}

}  // namespace selvage
