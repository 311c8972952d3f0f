#pragma once

#include "server/handlers/handler.h"

namespace selvage::handlers {

// The answer to an image request that cannot be served. `negotiated`: another client might have been told something else.
http::Answer refused(const Error& error, bool negotiated);

// An image that is asked for in a way that cannot be served, whatever the client accepts.
ResourcePtr refused_image(const Located& located, const Error& error, bool negotiated);

// What the file's own header claims is enough to refuse it before any work; the worker checks the facts again.
std::optional<Error> limits_exceeded(const Located& located);
http::LimitHit limit_of(const Error& refusal);  // of limits_exceeded()

// What is asked of the image is not done here, by configuration. Source: protocol-and-limits §7 (SVG).
std::optional<Error> policy_against(const Located& located);

}  // namespace selvage::handlers
