#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvage {

// The two halves of a request target in origin form, still encoded. `query` is without the '?'; has_query tells "/a?" from "/a".
struct TargetParts {
    std::string_view path;
    std::string_view query;
    bool has_query = false;
};
TargetParts split_target(std::string_view target);

// The path of a URL as the router and the catalogue use it.
//
// Percent-decoded exactly once, dot segments resolved (never above the root), begins with '/'; empty segments are kept
// ("//" stays), a trailing '/' is kept. A "%2F" stays encoded as "%2F": it never separates.
// Errors: BadRequest for a path that does not begin with '/', a broken escape, an encoded or raw NUL or control byte
// (0x00–0x1F, 0x7F), or a raw or encoded backslash.
// Source: protocol-and-limits §4; RFC 3986 §5.2.4, §6.2.2.
Result<std::string> normalise_path(std::string_view raw_path);

// True when normalise_path would return the same bytes: the common case, without an allocation.
bool is_normal_path(std::string_view raw_path);

// Percent-encodes what may not stand in a path (RFC 3986 §3.3), for Location fields. '/' is kept.
std::string encode_path(std::string_view path);

// One percent-decode; '+' stays '+'. Nothing when an escape is broken.
std::optional<std::string> percent_decode(std::string_view text);

struct QueryParam {
    std::string_view key;    // raw
    std::string_view value;  // raw, without '='; empty when there is no '='
};
// The parameters of a query in order, split at '&' and each at its first '='. Empty pieces are skipped.
std::vector<QueryParam> split_query(std::string_view query);

// Does the path match the glob? '*' matches within a segment, '**' across segments ("/a/**" matches "/a/" and all below),
// '?' one byte other than '/'. Linear in the sizes: no backtracking explosion.
bool glob_match(std::string_view glob, std::string_view path);

}  // namespace selvage
