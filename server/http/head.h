#pragma once

#include "server/http/message.h"

namespace selvage::http {

// 304 for a representation: its head without what describes the body (Content-Type, Content-Encoding, Content-Length,
// Content-Range), as RFC 9110 §15.4.5 wants: Cache-Control, Content-Location, Date, ETag, Expires, Vary stay, and Last-Modified
// with them. Allocates; keep the result beside the head it came from.
HeadPtr not_modified_head(const Head& head);

}  // namespace selvage::http
