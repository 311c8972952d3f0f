#include "cache_store/cache_control.h"

#include <algorithm>
#include <array>

#include "base/fields.h"

namespace selvage::cache_store {
namespace {

using std::chrono::seconds;

constexpr seconds kLongest{1LL << 31};

struct Lifetime {
    std::string_view name;
    std::optional<seconds> CacheControl::* member;
};
constexpr std::array kLifetimes = {
    Lifetime{"max-age", &CacheControl::max_age},
    Lifetime{"s-maxage", &CacheControl::s_maxage},
    Lifetime{"stale-while-revalidate", &CacheControl::stale_while_revalidate},
    Lifetime{"stale-if-error", &CacheControl::stale_if_error},
};

struct Flag {
    std::string_view name;
    bool CacheControl::* member;
};
constexpr std::array kFlags = {
    Flag{"no-store", &CacheControl::no_store},
    Flag{"no-cache", &CacheControl::no_cache},
    Flag{"private", &CacheControl::is_private},
    Flag{"public", &CacheControl::is_public},
    Flag{"must-revalidate", &CacheControl::must_revalidate},
    Flag{"proxy-revalidate", &CacheControl::proxy_revalidate},
    Flag{"must-understand", &CacheControl::must_understand},
    Flag{"immutable", &CacheControl::immutable},
};

std::string_view unquoted(std::string_view value) {
    const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    return quoted ? value.substr(1, value.size() - 2) : value;
}

void obey(CacheControl& control, std::string_view directive) {
    const std::size_t equals = directive.find('=');
    const std::string_view name = trim(directive.substr(0, equals));
    for (const Flag& flag : kFlags) {
        if (equals_ignoring_case(name, flag.name)) control.*flag.member = true;
    }
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : trim(directive.substr(equals + 1));
    for (const Lifetime& lifetime : kLifetimes) {
        if (!equals_ignoring_case(name, lifetime.name)) continue;
        auto& known = control.*lifetime.member;
        known = std::min(known.value_or(kLongest), parse_delta_seconds(unquoted(value)).value_or(seconds(0)));
    }
}

}  // namespace

std::optional<seconds> parse_delta_seconds(std::string_view text) {
    if (text.empty()) return std::nullopt;
    seconds::rep value = 0;
    for (const char digit : text) {
        if (digit < '0' || digit > '9') return std::nullopt;
        value = std::min<seconds::rep>(value * 10 + (digit - '0'), kLongest.count());
    }
    return seconds(value);
}

CacheControl parse_cache_control(std::span<const Field> message) {
    CacheControl control;
    for (const Field& field : message) {
        if (!equals_ignoring_case(field.name, "Cache-Control")) continue;
        std::string_view rest = field.value;
        while (const auto directive = next_member(rest)) obey(control, *directive);
    }
    return control;
}

}  // namespace selvage::cache_store
