#pragma once

#include <string_view>

#include "base/digest.h"
#include "config/config.h"
#include "server/handlers/handler.h"
#include "server/http/conditional.h"
#include "server/http/message.h"

namespace selvage::handlers {

// A representation that has been selected, ready to be judged by the request's preconditions and range.
struct Selected {
    http::Validators validators;
    const HeadCache::Heads& heads;
    http::Body&& body;  // of the caller's expression: it goes straight to its place in the answer
    http::Verdict verdict = http::Verdict::Hit;
    bool ranges = true;  // false: a coded representation, which is only sent whole
};

// 200, 206, 304, 412 or 416: preconditions first, then the range (RFC 9110 §13.2.2). Always an Answer, made in the place where it
// is returned: moving one costs a hit a tenth of its instructions.
http::Reply answer_selected(const http::Request& request, const Selected& selected, WallTime now);

http::Reply not_modified(const HeadCache::Heads& heads, http::Verdict verdict);  // 304

// Adds the rule's fields (a rule's field replaces ours of the same name) and makes the pair of heads.
HeadCache::Heads finish_heads(http::Head::Fields fields, const config::Rule* rule);

// The file's own bytes: from memory, or sent from the file.
http::Body identity_body(const catalogue::Source& source);

enum class VersionMatch : std::uint8_t { NotAHash, Matches, Differs };
// Does `v` name this content? A hash has at least 8 hex digits of the SHA-256, or is our entity tag's text.
VersionMatch names_content(std::string_view version, const Sha256& content);

inline std::string_view bytes_of(const std::uint64_t& number) { return {reinterpret_cast<const char*>(&number), sizeof number}; }

}  // namespace selvage::handlers
