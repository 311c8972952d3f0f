#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "server/http/message.h"

namespace selvage::http {

// What identifies the representation that this request selected.
struct Validators {
    std::string_view content;  // the part of the entity tag that names the content: 16 characters, no quotes
    std::string_view suffix;   // of the coding: "", "-br", "-zstd", "-gz", "-dcz.0a1b2c3d"; ".fast" after it: interim
    std::optional<WallTime> last_modified;  // nothing: no Last-Modified is sent
};

enum class Precondition : std::uint8_t { Proceed, NotModified, PreconditionFailed };

// Evaluates the request's preconditions in the order of RFC 9110 §13.2.2, step 5 (If-Range) excepted. For an existing resource
// and a method of GET or HEAD; for any other it proceeds.
//
// If-Match compares strongly with the selected representation. If-None-Match compares weakly and by content: the tag of any
// coding of the same content is a match (static-delivery §1). A malformed date or tag list member counts as absent, a malformed
// list that has no member left matches nothing.
Precondition evaluate_preconditions(const Request& request, const Validators& validators, WallTime now);

// Step 5: may Range be honoured? True without If-Range, for the exact strong tag, or for the exact Last-Modified date when that
// date is a strong validator (older than a second: RFC 9110 §8.8.2.2).
bool if_range_holds(const Request& request, const Validators& validators, WallTime now);

}  // namespace selvage::http
