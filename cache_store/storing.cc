#include "cache_store/storing.h"

#include <algorithm>
#include <array>

#include "base/fields.h"

namespace selvage::cache_store {
namespace {

using std::chrono::seconds;

// RFC 9110 §15.1: what may be reused without an explicit lifetime; also what we understand well enough for must-understand.
constexpr std::array<std::uint16_t, 11> kHeuristic = {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501};

std::optional<std::string_view> first_of(std::span<const Field> message, std::string_view name) {
    for (const Field& field : message) {
        if (equals_ignoring_case(field.name, name)) return trim(field.value);
    }
    return std::nullopt;
}

bool varies_by_all(std::span<const Field> response) {
    for (const Field& field : response) {
        if (!equals_ignoring_case(field.name, "Vary")) continue;
        std::string_view rest = field.value;
        while (const auto member = next_member(rest)) {
            if (*member == "*") return true;
        }
    }
    return false;
}

WallTime date_of(std::span<const Field> response, WallTime arrived) {
    const auto text = first_of(response, "Date");
    return text ? parse_http_date(*text, arrived).value_or(arrived) : arrived;
}

// RFC 9111 §3, but for the lifetime.
std::optional<Refusal> refusal_of(const OriginExchange& exchange, const CacheControl& control) {
    const bool understood = (std::ranges::find(kHeuristic, exchange.status) != kHeuristic.end());
    if (parse_cache_control(exchange.request).no_store) return Refusal::RequestSaysNoStore;
    if (exchange.status < 200 || exchange.status == 206 || exchange.status == 304) return Refusal::StatusNotUnderstood;
    if (control.must_understand && !understood) return Refusal::StatusNotUnderstood;
    if (control.no_store && !control.must_understand) return Refusal::OriginSaysNoStore;  // §5.2.2.3
    if (control.is_private) return Refusal::OriginSaysPrivate;
    if (varies_by_all(exchange.response)) return Refusal::VariesByAll;
    const bool for_all = control.is_public || control.must_revalidate || control.s_maxage;
    if (first_of(exchange.request, "Authorization") && !for_all) return Refusal::Authorized;
    return std::nullopt;
}

// §4.2.2.
std::optional<seconds> heuristic_lifetime(const OriginExchange& exchange, const CacheControl& control, seconds longest) {
    if (!control.is_public && !(std::ranges::find(kHeuristic, exchange.status) != kHeuristic.end())) return std::nullopt;
    const auto text = first_of(exchange.response, "Last-Modified");
    const auto modified = text ? parse_http_date(*text, exchange.arrived) : std::nullopt;
    if (!modified) return std::nullopt;
    return std::clamp((date_of(exchange.response, exchange.arrived) - *modified) / 10, seconds(0), longest);
}

std::uint32_t second_of(WallTime time) {
    return static_cast<std::uint32_t>(std::clamp<seconds::rep>(time.time_since_epoch().count(), 0, UINT32_MAX));
}

}  // namespace

std::string_view name_of(Refusal reason) {
    switch (reason) {
        case Refusal::RequestSaysNoStore:
            return "request_says_no_store";
        case Refusal::OriginSaysNoStore:
            return "origin_says_no_store";
        case Refusal::OriginSaysPrivate:
            return "origin_says_private";
        case Refusal::Authorized:
            return "authorized";
        case Refusal::StatusNotUnderstood:
            return "status_not_understood";
        case Refusal::VariesByAll:
            return "varies_by_all";
        case Refusal::NoLifetime:
            return "no_lifetime";
    }
    return {};
}

std::optional<seconds> freshness_lifetime(const CacheControl& control, std::span<const Field> response, WallTime arrived) {
    if (control.no_cache) return seconds(0);  // §5.2.2.4
    if (control.s_maxage) return control.s_maxage;
    if (control.max_age) return control.max_age;
    const auto expires = first_of(response, "Expires");
    if (!expires) return std::nullopt;
    const auto time = parse_http_date(*expires, arrived);
    if (!time) return seconds(0);  // §5.3: "0" above all
    return std::max(seconds(0), *time - date_of(response, arrived));
}

seconds initial_age(const OriginExchange& exchange) {
    const auto text = first_of(exchange.response, "Age");
    std::string_view list = text.value_or(std::string_view());
    const seconds value =
        parse_delta_seconds(next_member(list).value_or(std::string_view())).value_or(seconds(0));  // §5.1: the first
    const seconds delay = std::max(seconds(0), exchange.arrived - exchange.requested);
    const seconds apparent = std::max(seconds(0), exchange.arrived - date_of(exchange.response, exchange.arrived));
    return std::max(apparent, value + delay);
}

std::expected<Lifetimes, Refusal> lifetimes_of(const OriginExchange& exchange, const StoringDefaults& defaults) {
    const CacheControl control = parse_cache_control(exchange.response);
    if (const auto refusal = refusal_of(exchange, control)) return std::unexpected(*refusal);
    auto lifetime = freshness_lifetime(control, exchange.response, exchange.arrived);
    if (!lifetime && defaults.longest_heuristic) lifetime = heuristic_lifetime(exchange, control, *defaults.longest_heuristic);
    if (!lifetime) return std::unexpected(Refusal::NoLifetime);

    const bool never_stale = control.no_cache || control.must_revalidate || control.proxy_revalidate;
    const auto stale_for = [&](const std::optional<seconds>& said, seconds assumed) {
        if (never_stale) return seconds(0);
        return said.value_or(control.s_maxage ? seconds(0) : assumed);
    };
    const WallTime fresh_until = exchange.arrived - initial_age(exchange) + *lifetime;
    const seconds while_revalidate = stale_for(control.stale_while_revalidate, defaults.while_revalidate);
    const seconds if_error = stale_for(control.stale_if_error, defaults.if_error);
    return Lifetimes{.fresh_until = second_of(fresh_until),
                     .while_revalidate_until = second_of(fresh_until + while_revalidate),
                     .if_error_until = second_of(fresh_until + std::max(while_revalidate, if_error))};
}

}  // namespace selvage::cache_store
