#pragma once

#include <functional>
#include <memory>

#include "server/handlers/handler.h"
#include "server/hints/hints.h"
#include "server/http/message.h"

namespace selvage::handlers {

// Opens a file whose responses carry these hints; null: none.
using OpenWithHints = std::function<ResourcePtr(hints::HintSetPtr)>;

// A page of a site that wants hints: navigations are answered with those that are known by then, all else without. Null: no page.
// static-delivery §8.
ResourcePtr open_hinted_page(Services& services, const Located& located, OpenWithHints open);

// One Link field each. They stay in a 304: they are not of the page's bytes but of the files it refers to, which may change while
// the page does not, and a browser that keeps the page takes the new ones from there (RFC 9110 §15.4.5, RFC 9111 §3.2).
void add_hints(http::Head::Fields& fields, const hints::HintSet& hints);

}  // namespace selvage::handlers
