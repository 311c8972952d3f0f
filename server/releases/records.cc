#include "server/releases/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/ascii.h"

namespace selvage::releases {
namespace {

constexpr std::string_view kFirstLine = "selvage releases 1\n";
constexpr std::size_t kLastLine = 4 + 16 + 1;  // "end " digits LF

WallTime time_of(std::int64_t seconds) { return WallTime{std::chrono::seconds(seconds)}; }
std::int64_t number_of(WallTime time) { return time.time_since_epoch().count(); }

std::string flags_of(const Record& record) {
    std::string flags;
    if (record.fingerprinted) flags += 'f';
    if (record.compressible) flags += 'c';
    if (record.offering == Offering::Lineage) flags += 'l';
    if (record.offering == Offering::Place) flags += 'p';
    if (record.offering == Offering::Page) flags += 'd';
    if (record.offering == Offering::Site) flags += 's';
    return flags.empty() ? "-" : flags;
}

bool read_flags(std::string_view flags, Record& record) {
    if (flags == "-") return true;
    for (const char flag : flags) {
        if (flag == 'f') {
            record.fingerprinted = true;
        } else if (flag == 'c') {
            record.compressible = true;
        } else if (flag == 'l') {
            record.offering = Offering::Lineage;
        } else if (flag == 'p') {
            record.offering = Offering::Place;
        } else if (flag == 'd') {
            record.offering = Offering::Page;
        } else if (flag == 's') {
            record.offering = Offering::Site;
        } else {
            return false;
        }
    }
    return !flags.empty();
}

// The field up to the next space, which is taken too. Empty: there is none.
std::string_view next_field(std::string_view& line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return {};
    const std::string_view field = line.substr(0, space);
    line.remove_prefix(space + 1);
    return field;
}

template <typename Number>
bool read_number(std::string_view& line, Number& number) {
    const std::string_view field = next_field(line);
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
    return error == std::errc{} && end == field.data() + field.size();
}

bool read_time(std::string_view& line, WallTime& time) {
    // As far as a date can be written, and to be calculated with.
    constexpr std::int64_t kLatest = 253'402'300'799;
    std::int64_t seconds = 0;
    if (!read_number(line, seconds) || seconds < -kLatest || seconds > kLatest) return false;
    time = time_of(seconds);
    return true;
}

bool is_path(std::string_view text) { return text.starts_with('/') && std::ranges::none_of(text, is_control); }

std::optional<Record> read_record(std::string_view line) {
    Record record;
    const auto content = parse_sha256(next_field(line));
    WallTime gone;
    if (!content || !read_number(line, record.size) || !read_time(line, record.modified) || !read_time(line, record.since) ||
        !read_number(line, record.first) || !read_number(line, record.last) || !read_time(line, gone) ||
        !read_flags(next_field(line), record) || !is_path(line)) {
        return std::nullopt;
    }
    record.content = *content;
    if (gone != WallTime{}) record.gone = gone;
    record.path = line;
    return record;
}

std::string_view next_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

}  // namespace

std::optional<Sha256> parse_sha256(std::string_view digits) {
    const auto value_of = [](char digit) {
        if (is_digit(digit)) return digit - '0';
        return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
    };
    Sha256 content;
    if (digits.size() != 2 * content.bytes.size()) return std::nullopt;
    for (std::size_t i = 0; i < content.bytes.size(); ++i) {
        const int high = value_of(digits[2 * i]), low = value_of(digits[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        content.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return content;
}

std::string write_records(std::string_view root, const std::vector<Record>& records) {
    std::string text(kFirstLine);
    auto out = std::back_inserter(text);
    fmt::format_to(out, "root {}\n", root);
    for (const Record& record : records) {
        fmt::format_to(out, "{} {} {} {} {} {} {} {} {}\n", hex(record.content), record.size, number_of(record.modified),
                       number_of(record.since), record.first, record.last, record.gone ? number_of(*record.gone) : 0,
                       flags_of(record), record.path);
    }
    fmt::format_to(out, "end {:016x}\n", checksum64(text));
    return text;
}

Result<std::vector<Record>> read_records(std::string_view root, std::string_view text) {
    if (!text.starts_with(kFirstLine)) return fail(ErrorKind::BadRequest, "not of this version");
    if (text.size() < kFirstLine.size() + kLastLine) return fail(ErrorKind::BadRequest, "incomplete");
    const std::string_view end = text.substr(text.size() - kLastLine);
    text.remove_suffix(kLastLine);
    if (end != fmt::format("end {:016x}\n", checksum64(text))) return fail(ErrorKind::BadRequest, "its checksum is wrong");
    text.remove_prefix(kFirstLine.size());
    if (next_line(text) != fmt::format("root {}", root)) return fail(ErrorKind::BadRequest, "of another root");
    std::vector<Record> records;
    while (!text.empty()) {
        const std::string_view line = next_line(text);
        auto record = read_record(line);
        if (!record) return fail(ErrorKind::BadRequest, fmt::format("line {} is no record", records.size() + 3));
        records.push_back(*std::move(record));
    }
    return records;
}

}  // namespace selvage::releases
