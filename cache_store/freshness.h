#pragma once

#include <cstdint>

#include "base/time.h"

namespace selvage::cache_store {

// Until when a stored response may be used, and how; wall time, in seconds since 1970. Each is at least the one before.
//
// Source: RFC 9111 §4.2 (fresh), RFC 5861 §3 (stale-while-revalidate) and §4 (stale-if-error).
struct Lifetimes {
    std::uint32_t fresh_until = 0;
    std::uint32_t while_revalidate_until = 0;
    std::uint32_t if_error_until = 0;
    friend bool operator==(const Lifetimes&, const Lifetimes&) = default;
};
inline constexpr Lifetimes kForever{UINT32_MAX, UINT32_MAX, UINT32_MAX};

// What may be done with what is stored.
enum class Freshness : std::uint8_t {
    Fresh,            // use it
    WhileRevalidate,  // use it, and have it made or asked for anew
    IfError,          // only when that fails
    Gone,
};

// `purged_softly`: a soft purge concerns it (Floor::makes_stale): what is fresh is then used only while it is made anew.
Freshness freshness_of(const Lifetimes& lifetimes, WallTime now, bool purged_softly);

}  // namespace selvage::cache_store
