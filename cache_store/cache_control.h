#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace selvage::cache_store {

// A header field of a message, as it was received. Names compare without regard to case.
struct Field {
    std::string_view name;
    std::string_view value;
};

// The directives of all Cache-Control fields of a message that a shared cache obeys.
//
// Lifetimes in whole seconds, at most 2^31 (RFC 9111 §1.2.2). Of a directive that comes twice the smaller lifetime counts, and
// one whose value is no number counts as 0: of what is in doubt, the one that is sooner stale (§4.2.1). Values may be quoted
// (§5.2). no-cache and private with a list of fields count as without it, as §5.2.2.4 and §5.2.2.7 permit. What is unknown is
// ignored (§5.2.3).
struct CacheControl {
    std::optional<std::chrono::seconds> max_age, s_maxage;                       // RFC 9111 §5.2.2.1, §5.2.2.10
    std::optional<std::chrono::seconds> stale_while_revalidate, stale_if_error;  // RFC 5861 §3, §4
    bool no_store = false, no_cache = false, is_private = false, is_public = false;
    bool must_revalidate = false, proxy_revalidate = false, must_understand = false;
    bool immutable = false;  // RFC 8246
    friend bool operator==(const CacheControl&, const CacheControl&) = default;
};
CacheControl parse_cache_control(std::span<const Field> message);

// RFC 9111 §1.2.2: 2^31 for what is larger. Nothing: not a number.
std::optional<std::chrono::seconds> parse_delta_seconds(std::string_view text);

}  // namespace selvage::cache_store
