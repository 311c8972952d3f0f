#include "server/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace selvage::server {

namespace {

constexpr std::chrono::milliseconds kBetween{100};

std::string clock_text(double seconds) {
    const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
    if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

Progress::Progress(std::size_t parts)
    : parts_(parts), terminal_(isatty(STDERR_FILENO) == 1), begun_(std::chrono::steady_clock::now()), shown_(begun_ - kBetween) {}

void Progress::show(std::size_t done, const std::string& note) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || now - shown_ < kBetween) return;
    shown_ = now;
    visible_ = true;
    const double seconds = elapsed().count();
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    const std::string left = rate > 0 ? clock_text(static_cast<double>(parts_ - done) / rate) : "?";
    fmt::print(stderr, "\r\x1b[K{} of {}, {:.1f}/s, {}, {} left", done, parts_, rate, note, left);
    std::fflush(stderr);
}

void Progress::clear() {
    if (!visible_) return;
    visible_ = false;
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB"};
    if (bytes < 1000) return fmt::format("{} B", bytes);
    auto amount = static_cast<double>(bytes) / 1000;
    std::size_t unit = 0;
    for (; amount >= 999.95 && unit + 1 < std::size(kUnits); ++unit) amount /= 1000;
    return fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

}  // namespace selvage::server
