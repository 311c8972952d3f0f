#include "config/forms.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "base/units.h"

namespace selvage::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// In decimal units where only they are exact: "50MB".
std::string quoted_size(std::uint64_t bytes) {
    const bool decimal = bytes % 1024 != 0 && bytes % 1'000'000 == 0;
    return quoted(decimal ? fmt::format("{}MB", bytes / 1'000'000) : format_size(bytes));
}
std::string quoted_duration(milliseconds duration) { return quoted(format_duration(duration)); }

template <typename T>
Form<T> integer(T min, T max, const std::string& unit) {
    const std::string bounds = fmt::format("{} to {}", min, max);
    return {.type = "integer",
            .bounds = bounds,
            .unit = unit,
            .read = [=](const Value& value, Reading& reading, std::string_view path) -> std::optional<T> {
                const auto* number = std::get_if<std::int64_t>(&value.content);
                if (number != nullptr && *number >= 0) {
                    const auto wide = static_cast<std::uint64_t>(*number);
                    if (wide >= min && wide <= max) return static_cast<T>(wide);
                }
                reading.wrong(path, "an integer from " + bounds, value);
                return std::nullopt;
            },
            .write = [](const T& number) { return fmt::format("{}", number); }};
}

// The bytes that a string or an integer says, or nothing.
std::optional<std::uint64_t> bytes_of(const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value.content)) {
        return *number < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(*number));
    }
    const auto* text = std::get_if<std::string>(&value.content);
    if (text == nullptr) return std::nullopt;
    const auto bytes = parse_size(*text);
    return bytes ? std::optional(*bytes) : std::nullopt;
}

std::optional<milliseconds> duration_of(const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value.content)) {
        if (*number < 0 || *number > std::numeric_limits<std::int64_t>::max() / 1000) return std::nullopt;
        return seconds{*number};
    }
    const auto* text = std::get_if<std::string>(&value.content);
    if (text == nullptr) return std::nullopt;
    const auto parsed = parse_duration(*text);
    return parsed ? std::optional(*parsed) : std::nullopt;
}

// An endpoint without default scheme rules: whatever parse_endpoint takes, with its own words when it does not.
std::optional<Endpoint> read_endpoint(const Value& value, Reading& reading, std::string_view path) {
    const auto* text = std::get_if<std::string>(&value.content);
    if (text == nullptr) {
        reading.wrong(path, "an endpoint such as \"https://127.0.0.1:8443\"", value);
        return std::nullopt;
    }
    auto endpoint = parse_endpoint(*text);
    if (endpoint) return *std::move(endpoint);
    reading.mistake(value.at, fmt::format("{}: {}", path, endpoint.error().detail));
    return std::nullopt;
}

}  // namespace

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

Form<bool> flag() {
    return {.type = "boolean",
            .bounds = {},
            .unit = {},
            .read = [](const Value& value, Reading& reading, std::string_view path) -> std::optional<bool> {
                if (const auto* boolean = std::get_if<bool>(&value.content)) return *boolean;
                reading.wrong(path, "true or false", value);
                return std::nullopt;
            },
            .write = [](const bool& on) { return on ? "true" : "false"; }};
}

Form<unsigned> count(unsigned min, unsigned max, const std::string& unit) { return integer<unsigned>(min, max, unit); }

Form<std::uint64_t> large_count(std::uint64_t min, std::uint64_t max, const std::string& unit) {
    return integer<std::uint64_t>(min, max, unit);
}

Form<std::uint64_t> size(std::uint64_t min, std::uint64_t max) {
    const std::string bounds = fmt::format("{} to {}", format_size(min), format_size(max));
    return {.type = "size",
            .bounds = bounds,
            .unit = "bytes",
            .read = [=](const Value& value, Reading& reading, std::string_view path) -> std::optional<std::uint64_t> {
                const auto bytes = bytes_of(value);
                if (bytes && *bytes >= min && *bytes <= max) return bytes;
                reading.wrong(
                    path, fmt::format("a size from {} (\"256MiB\", \"1.5GiB\", \"10MB\" or an integer of bytes)", bounds), value);
                return std::nullopt;
            },
            .write = quoted_size};
}

Form<milliseconds> duration(milliseconds min, milliseconds max) {
    const std::string bounds = fmt::format("{} to {}", format_duration(min), format_duration(max));
    return {.type = "duration",
            .bounds = bounds,
            .unit = "seconds",
            .read = [=](const Value& value, Reading& reading, std::string_view path) -> std::optional<milliseconds> {
                const auto length = duration_of(value);
                if (length && *length >= min && *length <= max) return length;
                reading.wrong(
                    path,
                    fmt::format("a duration from {} (\"500ms\", \"10s\", \"15m\", \"1h\", \"30d\", \"1w\" or an integer of "
                                "seconds)",
                                bounds),
                    value);
                return std::nullopt;
            },
            .write = quoted_duration};
}

Form<seconds> whole_seconds(seconds min, seconds max) {
    const std::string bounds = fmt::format("{} to {}", format_duration(min), format_duration(max));
    return {.type = "duration",
            .bounds = bounds,
            .unit = "seconds",
            .read = [=](const Value& value, Reading& reading, std::string_view path) -> std::optional<seconds> {
                const auto length = duration_of(value);
                if (length && *length >= min && *length <= max && *length % seconds{1} == milliseconds{0}) {
                    return std::chrono::floor<seconds>(*length);
                }
                reading.wrong(path,
                              fmt::format("a duration in whole seconds from {} (\"10s\", \"15m\", \"1h\", \"30d\", \"1w\" or an "
                                          "integer of seconds)",
                                          bounds),
                              value);
                return std::nullopt;
            },
            .write = [](const seconds& length) { return quoted_duration(length); }};
}

Form<LogLevel> log_level() {
    return {.type = "word",
            .bounds = R"("debug", "info", "warn", "error" or "off")",
            .unit = {},
            .read = [](const Value& value, Reading& reading, std::string_view path) -> std::optional<LogLevel> {
                const auto* name = std::get_if<std::string>(&value.content);
                const auto level = name == nullptr ? std::nullopt : parse_log_level(*name);
                if (!level) reading.wrong(path, R"("debug", "info", "warn", "error" or "off")", value);
                return level;
            },
            .write = [](const LogLevel& level) { return quoted(name_of(level)); }};
}

Form<Endpoint> endpoint() {
    return {.type = "endpoint", .bounds = {}, .unit = {}, .read = read_endpoint, .write = [](const Endpoint& value) {
                return quoted(to_string(value));
            }};
}

Form<Endpoint> admin_endpoint() {
    Form<Endpoint> form = endpoint();
    form.read = [](const Value& value, Reading& reading, std::string_view path) -> std::optional<Endpoint> {
        auto read = read_endpoint(value, reading, path);
        if (!read || read->scheme == Scheme::Http) return read;
        reading.wrong(path, "a plain HTTP endpoint such as \"127.0.0.1:9090\"", value);
        return std::nullopt;
    };
    return form;
}

Form<Network> network() {
    return {.type = "network",
            .bounds = {},
            .unit = {},
            .read = [](const Value& value, Reading& reading, std::string_view path) -> std::optional<Network> {
                const auto* text = std::get_if<std::string>(&value.content);
                if (text == nullptr) {
                    reading.wrong(path, "a network such as \"10.0.0.0/8\" or an IP address", value);
                    return std::nullopt;
                }
                const auto network = parse_network(*text);
                if (network) return *network;
                reading.mistake(value.at, fmt::format("{}: {}", path, network.error().detail));
                return std::nullopt;
            },
            .write = [](const Network& network) { return quoted(to_string(network)); }};
}

Form<std::string> word(const std::vector<std::string>& words) {
    const std::string choices = "\"" + fmt::format("{}", fmt::join(words, "\", \"")) + "\"";
    return {.type = "word",
            .bounds = choices,
            .unit = {},
            .read = [=](const Value& value, Reading& reading, std::string_view path) -> std::optional<std::string> {
                const auto* text = std::get_if<std::string>(&value.content);
                if (text != nullptr && std::ranges::find(words, *text) != words.end()) return *text;
                reading.wrong(path, "one of " + choices, value);
                return std::nullopt;
            },
            .write = quoted};
}

}  // namespace selvage::config
