#pragma once

#include <string_view>

#include "server/http/media_types.h"
#include "server/http/message.h"

namespace selvage::http {

inline constexpr std::string_view kAllow = "GET, HEAD, OPTIONS";  // what a static resource allows

// Adds what makes a font usable from every origin: Access-Control-Allow-Origin "*", Timing-Allow-Origin "*" and
// Cross-Origin-Resource-Policy "cross-origin". Nothing for other classes. Never Vary: Origin, as the answer is the same for all.
// Source: static-delivery §1; Fetch §3.2 (CORS protocol), CSS Fonts 4 §4.9 (fonts are always fetched with CORS).
void add_cross_origin_fields(Head::Fields& fields, MediaClass media_class);

// Answers OPTIONS: 204 with Allow; for a CORS preflight (Origin and Access-Control-Request-Method) of a font also the permission
// for GET and HEAD with any header that was asked for, to be kept for a day. A preflight of anything else gets no permission.
Answer options_answer(const Request& request, MediaClass media_class);

}  // namespace selvage::http
