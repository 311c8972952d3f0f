#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace selvage {

// One member of a comma separated list with a weight, as in Accept and Accept-Encoding.
struct WeightedToken {
    std::string_view token;       // as written, without parameters; compare case-insensitively
    std::uint16_t weight = 1000;  // thousandths, 0…1000; 1000 when absent; a malformed q counts as 0 … never as 1
};

// Walks a weighted list without allocating: returns the next member and advances `rest`; nothing at the end.
// Parameters other than q are skipped; quoted strings are honoured. Source: RFC 9110 §5.6.1, §12.4.2.
std::optional<WeightedToken> next_weighted(std::string_view& rest);

// Walks a comma separated list of entity tags or tokens (If-Match, If-None-Match): the next member as written, trimmed.
// Commas inside quotes do not separate.
std::optional<std::string_view> next_member(std::string_view& rest);

bool equals_ignoring_case(std::string_view left, std::string_view right);  // ASCII
std::string_view trim(std::string_view text);                              // SP and HTAB (OWS)

}  // namespace selvage
