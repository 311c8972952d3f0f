#include "base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace selvage {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// The grammar has four digits for the year. Also keeps year_month_day, whose years are 16 bits, in range.
constexpr sys_seconds kFirst = sys_days{year{0} / January / 1};
constexpr sys_seconds kLast = sys_days{year{9999} / December / 31} + hours{24} - seconds{1};

// Reads a text from the left; after the first mismatch everything else fails too.
class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    bool done() const { return good_ && rest_.empty(); }

    void literal(std::string_view expected) {
        if (rest_.starts_with(expected)) {
            rest_.remove_prefix(expected.size());
        } else {
            good_ = false;
        }
    }

    // Exactly `width` digits.
    int digits(std::size_t width) {
        if (rest_.size() < width) good_ = false;
        int number = 0;
        for (std::size_t i = 0; good_ && i < width; ++i) {
            if (!is_digit(rest_[i])) {
                good_ = false;
            } else {
                number = number * 10 + (rest_[i] - '0');
            }
        }
        if (good_) rest_.remove_prefix(width);
        return number;
    }

    // The index of the name that comes next.
    template <std::size_t N>
    unsigned one_of(const std::array<std::string_view, N>& names) {
        const auto* found = std::find_if(names.begin(), names.end(), [this](auto name) { return rest_.starts_with(name); });
        if (found == names.end()) {
            good_ = false;
            return 0;
        }
        rest_.remove_prefix(found->size());
        return static_cast<unsigned>(found - names.begin());
    }

    bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }

private:
    std::string_view rest_;
    bool good_ = true;
};

struct Clock {
    int hour, minute, second;
};

Clock scan_clock(Scanner& scan) {
    Clock clock{};
    clock.hour = scan.digits(2);
    scan.literal(":");
    clock.minute = scan.digits(2);
    scan.literal(":");
    clock.second = scan.digits(2);
    return clock;
}

std::optional<WallTime> combine(year_month_day date, Clock clock) {
    // 60 is a leap second (RFC 5322 §3.3, RFC 9110 §5.6.7); it counts as the second after.
    if (!date.ok() || clock.hour > 23 || clock.minute > 59 || clock.second > 60) return std::nullopt;
    return sys_days{date} + hours{clock.hour} + minutes{clock.minute} + seconds{clock.second};
}

std::optional<WallTime> parse_imf_fixdate(std::string_view text) {
    Scanner scan(text);
    scan.one_of(kDays);
    scan.literal(", ");
    const day d{static_cast<unsigned>(scan.digits(2))};
    scan.literal(" ");
    const month m{scan.one_of(kMonths) + 1};
    scan.literal(" ");
    const year y{scan.digits(4)};
    scan.literal(" ");
    const Clock clock = scan_clock(scan);
    scan.literal(" GMT");
    return scan.done() ? combine(y / m / d, clock) : std::nullopt;
}

std::optional<WallTime> parse_rfc850(std::string_view text, WallTime now) {
    Scanner scan(text);
    scan.one_of(kLongDays);
    scan.literal(", ");
    const day d{static_cast<unsigned>(scan.digits(2))};
    scan.literal("-");
    const month m{scan.one_of(kMonths) + 1};
    scan.literal("-");
    const int two_digits = scan.digits(2);
    scan.literal(" ");
    const Clock clock = scan_clock(scan);
    scan.literal(" GMT");
    if (!scan.done()) return std::nullopt;

    const sys_seconds today = std::clamp(now, kFirst, kLast);
    const year_month_day date{floor<days>(today)};
    const sys_seconds horizon = sys_days{date + years{50}} + (today - floor<days>(today));
    const int this_year{date.year()};
    const year full_year{this_year - this_year % 100 + two_digits};
    const auto time = combine(full_year / m / d, clock);
    if (time && *time > horizon) return combine((full_year - years{100}) / m / d, clock);
    return time;
}

std::optional<WallTime> parse_asctime(std::string_view text) {
    Scanner scan(text);
    scan.one_of(kDays);
    scan.literal(" ");
    const month m{scan.one_of(kMonths) + 1};
    scan.literal(" ");
    const bool padded = scan.next_is(' ');
    if (padded) scan.literal(" ");
    const day d{static_cast<unsigned>(scan.digits(padded ? 1 : 2))};
    scan.literal(" ");
    const Clock clock = scan_clock(scan);
    scan.literal(" ");
    const year y{scan.digits(4)};
    return scan.done() ? combine(y / m / d, clock) : std::nullopt;
}

}  // namespace

std::string http_date(WallTime time) {
    time = std::clamp(time, kFirst, kLast);
    const auto today = floor<days>(time);
    const year_month_day date{today};
    const hh_mm_ss clock{time - today};
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[weekday{today}.c_encoding()],
                       static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                       static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<WallTime> parse_http_date(std::string_view text, WallTime now) {
    if (const auto time = parse_imf_fixdate(text)) return time;
    if (const auto time = parse_rfc850(text, now)) return time;
    return parse_asctime(text);
}

}  // namespace selvage
