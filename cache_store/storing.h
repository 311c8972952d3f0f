#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "base/time.h"
#include "cache_store/cache_control.h"
#include "cache_store/freshness.h"

namespace selvage::cache_store {

// May a shared cache keep the response of an origin, and until when? Pure functions of a GET and what came back.
//
// Source: RFC 9111 §3 (storing), §3.5 (Authorization), §4.2 (freshness); RFC 5861.

// A GET's request and response, with the times of §4.2.3: when it was sent, and when the response's head arrived.
struct OriginExchange {
    std::span<const Field> request;
    std::uint16_t status = 200;
    std::span<const Field> response;
    WallTime requested;
    WallTime arrived;
};

// What is assumed where the response says nothing.
struct StoringDefaults {
    // §4.2.2: a tenth of the time since Last-Modified, at most this much. Nothing: no lifetime is made up.
    std::optional<std::chrono::seconds> longest_heuristic;
    std::chrono::seconds while_revalidate{0}, if_error{0};
};

// Why a response is not stored; data for the access log.
enum class Refusal : std::uint8_t {
    RequestSaysNoStore,   // §5.2.1.5
    OriginSaysNoStore,    // §5.2.2.5
    OriginSaysPrivate,    // §5.2.2.7
    Authorized,           // §3.5: asked for with Authorization, and not said to be for all
    StatusNotUnderstood,  // §3: not final, 206 and 304, and what only an explicit lifetime or must-understand could allow
    VariesByAll,          // §4.1: Vary: * never matches again
    NoLifetime,           // §3: neither an explicit lifetime nor a made-up one
};
std::string_view name_of(Refusal reason);  // "origin_says_private"

// How long it is fresh from when it was made. Zero when it must be asked about every time (no-cache), or its Expires is invalid.
// Nothing: the response does not say.
std::optional<std::chrono::seconds> freshness_lifetime(const CacheControl& control, std::span<const Field> response,
                                                       WallTime arrived);

// corrected_initial_age of §4.2.3: how old it was when it arrived. Never negative.
std::chrono::seconds initial_age(const OriginExchange& exchange);

// The lifetimes count from when the response was made, so they may be over already: it is then kept to be asked about.
//
// must-revalidate and proxy-revalidate forbid any use of what is stale; s-maxage alone forbids what the response does not say
// itself by stale-while-revalidate or stale-if-error (§5.2.2.10, as deployed caches read it).
std::expected<Lifetimes, Refusal> lifetimes_of(const OriginExchange& exchange, const StoringDefaults& defaults);

}  // namespace selvage::cache_store
