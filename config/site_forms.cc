// The forms of config/forms.h that belong to sites and their rules: hosts, globs, response fields.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/fields.h"
#include "config/forms.h"

namespace selvage::config {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// Set by the server from what it knows about the message; a rule that changed them would break framing, validation or caching.
constexpr std::array<std::string_view, 16> kOwnedFields = {
    "accept-ranges",    "connection", "content-encoding", "content-length",    "content-range", "date", "etag", "keep-alive",
    "proxy-connection", "te",         "trailer",          "transfer-encoding", "upgrade",       "vary", "age",  "cache-status"};

bool is_token(std::string_view text) {  // RFC 9110 §5.6.2
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return is_alphanumeric(c) || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
    });
}

bool is_field_value(std::string_view text) {  // RFC 9110 §5.5: no control bytes but HTAB
    return std::ranges::none_of(text, [](char c) { return is_control(c) && c != '\t'; });
}

bool is_owned(std::string_view name) {
    return std::ranges::any_of(kOwnedFields, [&](std::string_view owned) { return equals_ignoring_case(owned, name); });
}

bool is_ipv6_literal(const std::string& host) {
    if (host.size() < 4 || host.front() != '[' || host.back() != ']') return false;
    in6_addr address{};
    return inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address) == 1;
}

bool is_host_name(std::string_view name) {
    constexpr std::size_t longest = 253;  // RFC 1035 §2.3.4, without the final dot
    if (name.empty() || name.size() > longest || name.front() == '.' || name.find("..") != std::string_view::npos) return false;
    return std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '.' || c == '-' || c == '_'; });
}

std::optional<std::string> parse_host(std::string_view text) {
    std::string name(text);
    std::ranges::transform(name, name.begin(), to_lower);
    if (name == "*" || (name.find('\0') == std::string::npos && is_ipv6_literal(name))) return name;
    if (name.ends_with('.')) name.pop_back();
    const std::string_view rest = std::string_view(name).substr(name.starts_with("*.") ? 2 : 0);
    return is_host_name(rest) ? std::optional(name) : std::nullopt;
}

// One entry of a fields table; nothing when it was refused.
std::optional<std::pair<std::string, std::string>> read_field(const Entry& entry, Reading& reading, std::string_view path) {
    const auto* value = std::get_if<std::string>(&entry.value.content);
    if (!is_token(entry.key)) {
        const Value name{.content = entry.key, .at = entry.key_at};
        reading.wrong(path, "a field name (letters, digits and '-')", name);
    } else if (is_owned(entry.key)) {
        reading.mistake(entry.key_at, fmt::format("{}: '{}' is set by the server and cannot be changed", path, entry.key));
    } else if (value == nullptr) {
        reading.wrong(fmt::format("{}.{}", path, entry.key), "a string", entry.value);
    } else if (!is_field_value(*value)) {
        reading.wrong(fmt::format("{}.{}", path, entry.key), "a field value without control characters", entry.value);
    } else {
        return std::pair(entry.key, std::string(trim(*value)));
    }
    return std::nullopt;
}

std::optional<Fields> read_fields(const Value& value, Reading& reading, std::string_view path) {
    const auto* entries = std::get_if<Value::Table>(&value.content);
    if (entries == nullptr) {
        reading.wrong(path, "a table of strings such as { X-Frame-Options = \"DENY\" }", value);
        return std::nullopt;
    }
    Fields read;
    for (const Entry& entry : *entries) {
        auto field = read_field(entry, reading, path);
        if (!field) continue;
        if (std::ranges::any_of(read, [&](const auto& other) { return equals_ignoring_case(other.first, field->first); })) {
            reading.mistake(entry.key_at, fmt::format("{}: '{}' is given twice", path, entry.key));
        }
        read.push_back(*std::move(field));
    }
    return read;
}

std::string write_fields(const Fields& list) {
    std::string out;
    for (const auto& [name, value] : list) out += fmt::format("{}{} = \"{}\"", out.empty() ? "" : ", ", name, value);
    return out.empty() ? "{}" : "{ " + out + " }";
}

}  // namespace

Form<std::string> host() {
    return {.type = "host",
            .bounds = {},
            .unit = {},
            .read = [](const Value& value, Reading& reading, std::string_view path) -> std::optional<std::string> {
                const auto* text = std::get_if<std::string>(&value.content);
                auto name = text == nullptr ? std::nullopt : parse_host(*text);
                if (!name) reading.wrong(path, R"(a host name without port, "*.example.org" or "*")", value);
                return name;
            },
            .write = quoted};
}

Form<std::vector<std::string>> hosts() {
    Form<std::vector<std::string>> form = list_of(host());
    form.read = [read_list = form.read](const Value& value, Reading& reading, std::string_view path) {
        auto list = read_list(value, reading, path);
        const auto* items = std::get_if<Value::Array>(&value.content);
        if (items != nullptr && items->empty()) reading.mistake(value.at, fmt::format("{}: expected at least one host", path));
        return list;
    };
    return form;
}

Form<std::string> glob() {
    return {.type = "glob",
            .bounds = {},
            .unit = {},
            .read = [](const Value& value, Reading& reading, std::string_view path) -> std::optional<std::string> {
                const auto* text = std::get_if<std::string>(&value.content);
                const bool possible = text != nullptr && (text->starts_with('/') || text->starts_with("**")) &&
                                      std::ranges::none_of(*text, is_control);
                if (possible) return *text;
                reading.wrong(path, R"(a glob that begins with "/" or "**", such as "/video/**" or "**.jpg")", value);
                return std::nullopt;
            },
            .write = quoted};
}

Form<std::string> tag() {
    return {.type = "word",
            .bounds = {},
            .unit = {},
            .read = [](const Value& value, Reading& reading, std::string_view path) -> std::optional<std::string> {
                constexpr std::size_t longest = 64;
                const auto* text = std::get_if<std::string>(&value.content);
                const bool is_tag =
                    text != nullptr && !text->empty() && text->size() <= longest && std::ranges::all_of(*text, [](char c) {
                        return is_alphanumeric(c) || std::string_view("-._:/").find(c) != std::string_view::npos;
                    });
                if (is_tag) return *text;
                reading.wrong(path, "a word of at most 64 letters, digits and \"-._:/\"", value);
                return std::nullopt;
            },
            .write = quoted};
}

Form<Fields> fields() {
    return {.type = "table of strings", .bounds = {}, .unit = {}, .read = read_fields, .write = write_fields};
}

}  // namespace selvage::config
