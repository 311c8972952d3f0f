#include "base/url.h"

#include <array>

#include "base/ascii.h"

namespace selvage {
namespace {

int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// The byte of the escape at the beginning of `text` ("%41…"), or -1 when it is broken.
int escaped_byte(std::string_view text) {
    if (text.size() < 3) return -1;
    const int high = hex_digit(text[1]);
    const int low = hex_digit(text[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

constexpr bool is_refused(char c) { return is_control(c) || c == '\\'; }

// Bytes that say nothing about a path's being normal, whatever stands around them: nearly all that a path is made of.
constexpr auto kSettled = [] {
    std::array<bool, 256> settled{};
    for (std::size_t byte = 0; byte < settled.size(); ++byte) {
        const char c = static_cast<char>(byte);
        settled[byte] = !is_refused(c) && c != '%' && c != '/';
    }
    return settled;
}();

std::unexpected<Error> bad_path(std::string detail) { return fail(ErrorKind::BadRequest, std::move(detail), "invalid_path"); }

Result<std::string> decode_path(std::string_view raw) {
    std::string path;
    path.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        char c = raw[i];
        if (c == '%') {
            const int byte = escaped_byte(raw.substr(i));
            if (byte < 0) return bad_path("a broken escape in the path");
            i += 2;
            c = static_cast<char>(byte);
            if (c == '/') {
                path += "%2F";
                continue;
            }
        }
        if (is_refused(c)) return bad_path("a control byte or backslash in the path");
        path.push_back(c);
    }
    return path;
}

// RFC 3986 §5.2.4 for a path that begins with '/'.
std::string resolve_dot_segments(std::string_view path) {
    std::string out;
    out.reserve(path.size());
    while (!path.empty()) {  // path begins with '/' here
        const std::size_t end = path.find('/', 1);
        const bool last = end == std::string_view::npos;
        const std::string_view segment = path.substr(1, last ? end : end - 1);
        if (segment == "..") out.resize(out.empty() ? 0 : out.rfind('/'));
        if (segment != "." && segment != "..") {
            out += '/';
            out += segment;
        } else if (last) {
            out += '/';
        }
        path = last ? std::string_view{} : path.substr(end);
    }
    return out;
}

// pchar and '/' of RFC 3986 §3.3. Single quotes and the like may stand in a Location as they are.
bool stands_in_path(char c) {
    if (is_alphanumeric(c)) return true;
    return c != '\0' && std::string_view("-._~!$&'()*+,;=:@/").find(c) != std::string_view::npos;
}

}  // namespace

TargetParts split_target(std::string_view target) {
    const std::size_t mark = target.find('?');
    if (mark == std::string_view::npos) return {.path = target};
    return {.path = target.substr(0, mark), .query = target.substr(mark + 1), .has_query = true};
}

bool is_normal_path(std::string_view raw_path) {
    if (!raw_path.starts_with('/')) return false;
    for (std::size_t i = 0; i < raw_path.size(); ++i) {
        const char c = raw_path[i];
        if (kSettled[static_cast<unsigned char>(c)]) continue;
        if (c == '/' && i + 1 < raw_path.size() && raw_path[i + 1] != '.') continue;
        if (is_refused(c)) return false;
        if (c == '%' && raw_path.substr(i, 3) != "%2F") return false;
        if (c != '/') continue;
        const std::string_view segment = raw_path.substr(i + 1, raw_path.substr(i + 1, 3).find('/'));
        if (segment == "." || segment == "..") return false;
    }
    return true;
}

Result<std::string> normalise_path(std::string_view raw_path) {
    if (!raw_path.starts_with('/')) return bad_path("the path does not begin with '/'");
    if (is_normal_path(raw_path)) return std::string(raw_path);
    return resolve_dot_segments(TRY(decode_path(raw_path)));
}

std::string encode_path(std::string_view path) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    out.reserve(path.size());
    for (const char c : path) {
        if (stands_in_path(c)) {
            out.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out.push_back('%');
        out.push_back(digits[byte >> 4]);
        out.push_back(digits[byte & 0xF]);
    }
    return out;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i]);
            continue;
        }
        const int byte = escaped_byte(text.substr(i));
        if (byte < 0) return std::nullopt;
        out.push_back(static_cast<char>(byte));
        i += 2;
    }
    return out;
}

std::vector<QueryParam> split_query(std::string_view query) {
    std::vector<QueryParam> params;
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view piece = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
        if (piece.empty()) continue;
        const std::size_t equals = piece.find('=');
        const bool has_value = equals != std::string_view::npos;
        params.push_back({.key = piece.substr(0, equals), .value = has_value ? piece.substr(equals + 1) : std::string_view{}});
    }
    return params;
}

}  // namespace selvage
