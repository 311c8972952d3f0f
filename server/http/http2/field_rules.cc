#include "server/http/http2/field_rules.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>

#include "base/ascii.h"
#include "server/http/request_builder.h"

namespace selvage::http::h2 {

namespace {

const std::uint8_t* bytes(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

// No control byte, eight bytes at a time: what nearly every value shows. False: look closer.
bool plainly_clean(std::string_view value) {
    constexpr std::uint64_t kOnes = ~std::uint64_t{0} / 255;
    constexpr std::uint64_t kHigh = kOnes * 0x80;
    std::uint64_t suspicious = 0;
    const auto look = [&suspicious](std::uint64_t word) {
        const std::uint64_t del = word ^ (kOnes * 0x7f);
        suspicious |= (word - kOnes * 0x20) & ~word & kHigh;  // a byte below 0x20
        suspicious |= (del - kOnes) & ~del & kHigh;           // a byte 0x7f
    };
    std::size_t at = 0;
    std::uint64_t word = 0;
    for (; at + sizeof word <= value.size(); at += sizeof word) {
        std::memcpy(&word, value.data() + at, sizeof word);
        look(word);
    }
    word = kOnes * ' ';
    if (at < value.size()) std::memcpy(&word, value.data() + at, value.size() - at);
    look(word);
    return suspicious == 0;
}

// §8.2.1.
bool is_value(std::string_view value) {
    if (value.empty()) return true;
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    if (plainly_clean(value)) return !blank(value.front()) && !blank(value.back());
    return nghttp2_check_header_value_rfc9113(bytes(value), value.size()) != 0;
}

// §8.2.2.
bool is_connection_specific(std::string_view name, std::string_view value) {
    switch (name.size()) {
        case 2:
            return name == "te" && value != "trailers";
        case 7:
            return name == "upgrade";
        case 10:
            return name == "connection" || name == "keep-alive";
        case 16:
            return name == "proxy-connection";
        case 17:
            return name == "transfer-encoding";
        default:
            return false;
    }
}

// Without user information: RFC 9113 §8.3.1.
bool is_authority(std::string_view value) {
    return !value.empty() && !value.contains('@') && nghttp2_check_authority(bytes(value), value.size()) != 0;
}

// RFC 3986 §3.1. A scheme with a "/" in it could be an address of its own to whom it is handed on.
bool is_scheme(std::string_view value) {
    return !value.empty() && is_alphanumeric(value.front()) && !is_digit(value.front()) &&
           std::ranges::all_of(value, [](char c) { return is_alphanumeric(c) || c == '+' || c == '-' || c == '.'; });
}

}  // namespace

FieldFacts judge_field(std::string_view name, std::string_view value) {
    constexpr std::size_t kHost = known_place("host");
    const std::size_t kind = field_kind(name);
    bool good = false;
    switch (kind) {
        case kMethod:
            good = nghttp2_check_method(bytes(value), value.size()) != 0;
            break;
        case kPath:
            good = !value.empty() && nghttp2_check_path(bytes(value), value.size()) != 0;
            break;
        case kAuthority:
        case kHost:
            good = is_authority(value);
            break;
        case kScheme:
            good = is_scheme(value);
            break;
        case kOtherPseudo:
            break;
        case kOtherField:
            good = nghttp2_check_header_name(bytes(name), name.size()) != 0 && !is_connection_specific(name, value) &&
                   is_value(value);
            break;
        default:
            good = is_value(value);
            break;
    }
    return {.kind = static_cast<std::uint16_t>(kind), .well_formed = good};
}

}  // namespace selvage::http::h2
