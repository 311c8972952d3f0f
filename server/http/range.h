#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/time.h"
#include "server/http/conditional.h"
#include "server/http/message.h"

namespace selvage::http {

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t length = 0;  // at least 1
    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

inline constexpr std::size_t kParsedRanges = 32;  // protocol-and-limits §4
inline constexpr std::size_t kServedRanges = 10;
inline constexpr std::uint64_t kRangeGap = 128;  // bytes: a part's own header is about that large

// What a Range field asks of a representation of a known size.
struct RangeChoice {
    enum class Kind : std::uint8_t {
        Whole,          // no range, or one that is ignored: 200 in full
        Partial,        // 206
        Unsatisfiable,  // 416
    };
    Kind kind = Kind::Whole;
    std::uint8_t count = 0;
    std::array<ByteRange, kServedRanges> ranges{};
};

// Parses a Range value. Ranges that overlap or lie closer than kRangeGap are joined; the order of the client is kept. Ignored
// (Whole): another unit, a malformed set, more than kParsedRanges members, more than kServedRanges after joining, or more bytes
// asked for than there are. Source: RFC 9110 §14.1.2, §14.2; protocol-and-limits §4.
RangeChoice parse_range(std::string_view value, std::uint64_t size);

// The decision for a request: GET only, Range present, If-Range holding.
RangeChoice choose_range(const Request& request, const Validators& validators, std::uint64_t size, WallTime now);

// `bytes` of the body, from `first`; both within it.
Body slice(const Body& body, std::uint64_t first, std::uint64_t length);

// Turns a complete 200 answer of the identity representation into the 206 for `choice` (Partial). One range: the same head and a
// Content-Range among the extra fields. Several: multipart/byteranges with a head of its own, which has the parts' Content-Type
// replaced; `boundary` must not occur in the content (pass 128 random bits in hex). All other fields stay (RFC 9110 §15.3.7).
Answer partial_answer(Answer whole, const RangeChoice& choice, std::string_view boundary);

// 416 with "Content-Range: bytes */size". RFC 9110 §15.5.17.
Answer unsatisfiable_answer(std::uint64_t size);

}  // namespace selvage::http
