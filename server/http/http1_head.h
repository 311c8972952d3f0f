#pragma once

#include <cstdint>
#include <forward_list>
#include <string>

#include "config/config.h"
#include "server/http/message.h"
#include "server/http/session.h"

namespace selvage::http {

// What the head of an HTTP/1 request says about the connection.
struct Http1Head {
    std::uint16_t error = 0;            // 0: well-formed; else the status to refuse it with, closing the connection
    LimitHit limit = LimitHit::kCount;  // when a limit refused it
    bool keep_alive = false;
    bool has_body = false;
    std::uint64_t body_bytes = 0;  // 0 for one in chunks
};

// What was received, and what had to be put together; the request's views point into both.
struct Http1Text {
    std::string head;                      // through its final CRLF CRLF
    std::forward_list<std::string> added;  // repeated fields joined, targets without a path
    std::string body;                      // as far as somebody takes it
};

// Parses a complete head into `request`, which was clear. Field names are made lower case in place, nothing is copied.
//
// Strict where RFC 9112 lets a server be lenient. Refused with 400: bare CR or LF, obs-fold, control characters, white space
// around a field name (§2.2, §5.1, §5.2), a request line of other than three words, a target that is not in origin, absolute
// (http or https) or authority form, "*" but for OPTIONS (§3), no or several Host fields in 1.1 and what is not host[:port]
// (§3.2), Content-Length that is repeated, no number, or beside Transfer-Encoding, and that in 1.0 (§6). 501: an unknown method,
// or a transfer coding that does not end in chunked. 505: another major version.
Http1Head parse_http1_head(Http1Text& text, const config::Http1& limits, Request& request);

}  // namespace selvage::http
