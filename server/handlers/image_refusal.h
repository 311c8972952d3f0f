#pragma once

#include "server/handlers/handler.h"

namespace selvage::handlers {

// The answer to an image request that cannot be served. `negotiated`: another client might have been told something else.
http::Answer refused(const Error& error, bool negotiated);

struct Refusal {
    Error error;
    http::LimitHit limit = http::LimitHit::kCount;  // that is counted with each answer; kCount: none
};

// An image that is asked for in a way that cannot be served, whatever the client accepts. `counters` outlives it.
ResourcePtr refused_image(const Located& located, const Refusal& refusal, bool negotiated, http::Counters& counters);

// A query that is no request for an image.
Refusal refusal_of_query(const Error& error);

// What the file's own header claims is enough to refuse it before any work; the worker checks the facts again.
std::optional<Refusal> limits_exceeded(const Located& located);

// What is asked of the image is not done here, by configuration. Source: protocol-and-limits §7 (SVG).
std::optional<Refusal> policy_against(const Located& located);

}  // namespace selvage::handlers
