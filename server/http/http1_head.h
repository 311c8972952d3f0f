#pragma once

#include <cstdint>
#include <string_view>

#include "config/config.h"
#include "server/http/message.h"
#include "server/http/request_builder.h"
#include "server/http/session.h"

namespace selvage::http {

// What the head of an HTTP/1 request says about the connection.
struct Http1Head {
    std::uint16_t error = 0;            // 0: well-formed; else the status to refuse it with, closing the connection
    LimitHit limit = LimitHit::kCount;  // when a limit refused it
    bool keep_alive = false;
    bool has_body = false;
};

// Parses a complete head (through its final CRLF CRLF) into `request`, whose views point into `builder`.
//
// Tokens and framing are http-parser's (Debian's libhttp-parser 2.9); it forgives what RFC 9112 lets a lenient server forgive, so
// the lines are checked first: bare CR or LF, obs-fold, NUL, white space before a colon are errors (RFC 9112 §2.2, §5.1, §5.2).
// Also refused: a request line of other than three words, "*" but for OPTIONS (§3), no or several Host fields in 1.1 and what is
// not host[:port] (§3.2), Content-Length beside Transfer-Encoding (§6.1), other major versions
// (505).
Http1Head parse_http1_head(std::string_view head, const config::Http1& limits, RequestBuilder& builder, Request& request);

}  // namespace selvage::http
