#pragma once

#include <cstdint>
#include <string_view>

namespace selvage::http {

// "HTTP/1.1 200 OK\r\n"; an unknown code gets an empty reason. RFC 9112 §4.
std::string_view status_line(std::uint16_t status);
// "200": for :status.
std::string_view status_text(std::uint16_t status);

}  // namespace selvage::http
