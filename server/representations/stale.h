#pragma once

#include <chrono>

#include "base/result.h"
#include "base/time.h"

namespace selvage::representations {

// May what something was replaced by at `replaced` still be stood in for by what was before? `window`: for how long it may; zero:
// never. The moment of the change is when what was stored became stale.
//
// Source: RFC 5861 §3 (stale-while-revalidate) and §4 (stale-if-error): "… after it becomes stale, up to the indicated number of
// seconds".
inline bool may_stand_in(SteadyTime replaced, std::chrono::seconds window, SteadyTime now) {
    return window.count() > 0 && now - replaced <= window;
}

// Is the failure an error in the sense of RFC 5861 §4, "any situation that would result in a 500, 502, 503, or 504"; or a source
// that cannot be made sense of (our 415 and 422), which is its author's accident and not the client's doing?
//
// Not: what the client asked for is more than a limit allows, or is not there any more.
bool excuses_stale(const Error& error);

}  // namespace selvage::representations
