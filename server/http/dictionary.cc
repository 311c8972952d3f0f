#include "server/http/dictionary.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "base/fields.h"
#include "cache_store/cache_control.h"

namespace selvage::http {
namespace {

constexpr std::size_t kLongestId = 1024;
constexpr std::chrono::seconds kLeastLifetime = std::chrono::hours(24);

// Spaces around a structured field are no part of it. RFC 8941 §4.2.
std::string_view without_spaces(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

bool is_visible(char c) { return c >= ' ' && c <= '~'; }

// RFC 4648 §4.
int value_of_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

// A string of RFC 8941 §3.3.3, quoted. Nothing: not of visible ASCII.
std::optional<std::string> quoted(std::string_view text) {
    if (!std::ranges::all_of(text, is_visible)) return std::nullopt;
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    result += '"';
    return result;
}

std::string_view field_of(const Head::Fields& fields, std::string_view name) {
    const auto place = std::ranges::find(fields, name, &Head::Fields::value_type::first);
    return place == fields.end() ? std::string_view() : std::string_view(place->second);
}

// Of what everybody sends alike, or what we negotiate by.
bool is_public_vary(std::string_view vary) {
    while (const auto member = next_member(vary)) {
        const bool known =
            std::ranges::any_of(std::to_array<std::string_view>({"accept-encoding", "available-dictionary", "accept", "origin"}),
                                [&](std::string_view name) { return equals_ignoring_case(*member, name); });
        if (!known) return false;
    }
    return true;
}

auto directives_of(const Head::Fields& fields) {
    std::vector<cache_store::Field> control;
    for (const auto& [name, value] : fields) {
        if (name == "cache-control") control.push_back({name, value});
    }
    return cache_store::parse_cache_control(control);
}

}  // namespace

std::optional<Sha256> parse_available_dictionary(std::string_view value) {
    value = without_spaces(value);
    constexpr std::size_t kDigits = 43;  // 258 bits, of which the last two mean nothing
    if (value.size() < 2 || value.front() != ':' || value.back() != ':') return std::nullopt;
    value = value.substr(1, value.size() - 2);
    if (value.size() == kDigits + 1 && value.ends_with('=')) value.remove_suffix(1);  // need not be there: RFC 8941 §4.2.7
    if (value.size() != kDigits) return std::nullopt;
    Sha256 hash;
    std::uint32_t bits = 0;
    unsigned count = 0;
    std::size_t next = 0;
    for (const char c : value) {
        const int digit = value_of_digit(c);
        if (digit < 0) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        hash.bytes[next++] = static_cast<std::uint8_t>(bits >> count);
    }
    return hash;
}

std::optional<std::string> parse_dictionary_id(std::string_view value) {
    value = without_spaces(value);
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::nullopt;
    value = value.substr(1, value.size() - 2);
    std::string id;
    for (std::size_t i = 0; i < value.size(); ++i) {
        char c = value[i];
        if (!is_visible(c) || c == '"') return std::nullopt;
        if (c == '\\') {
            if (++i == value.size()) return std::nullopt;
            c = value[i];
            if (c != '"' && c != '\\') return std::nullopt;
        }
        id += c;
    }
    if (id.size() > kLongestId) return std::nullopt;
    return id;
}

// A script is asked for as one by <script> and by import.
std::string_view destination_of(MediaClass media_class) {
    if (media_class == MediaClass::Script) return "script";
    return media_class == MediaClass::Style ? "style" : "";
}

std::string use_as_dictionary(std::string_view match, std::string_view destination, std::string_view id) {
    const auto pattern = quoted(match);
    const auto name = quoted(id);
    if (match.empty() || !pattern || !name || id.size() > kLongestId) return {};
    std::string value = "match=" + *pattern;
    if (!destination.empty()) value.append(", match-dest=(\"").append(destination).append("\")");
    if (!id.empty()) value.append(", id=").append(*name);
    return value;
}

bool allows_dictionary(const Request& request, std::string_view allow_origin) {
    if (!request.secure) return false;
    // The steps of §9.3.3, one by one.
    if (!request.has("sec-fetch-site")) return true;
    if (request.field("sec-fetch-site") == "same-origin") return true;
    if (!request.has("sec-fetch-mode")) return true;
    const std::string_view mode = request.field("sec-fetch-mode");
    if (mode == "navigate" || mode == "same-origin") return true;
    if (mode != "cors") return false;
    if (allow_origin.empty()) return false;
    if (!request.has("origin")) return false;
    return allow_origin == "*" || allow_origin == request.field("origin");
}

bool is_lasting_and_public(const Head::Fields& fields) {
    const auto freshness = directives_of(fields).max_age;
    return freshness && *freshness >= kLeastLifetime && is_public(fields);
}

bool is_public(const Head::Fields& fields) {
    const auto directives = directives_of(fields);
    if (directives.no_store || directives.no_cache || directives.is_private) return false;
    return std::ranges::none_of(fields, [](const auto& field) { return field.first == "set-cookie"; }) &&
           is_public_vary(field_of(fields, "vary"));
}

}  // namespace selvage::http
