#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace selvage {

// The request target ("/a/b.jpg?w=320") of a reference on a page, when it is one of this site's; encoded as it goes on the wire:
// neither blanks nor control bytes. `page`: the page's own target. `hosts`: what the site is called, lower case, with and without
// port. Source: RFC 3986 §5.2.
std::optional<std::string> own_target(std::string_view reference, std::string_view page, std::span<const std::string> hosts);

}  // namespace selvage
