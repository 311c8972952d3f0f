#pragma once

#include <cstdint>
#include <string_view>

namespace selvage::http {

// "HTTP/1.1 200 OK\r\n". A code that is not in the table, which nothing of ours answers with, becomes 500. RFC 9112 §4.
std::string_view status_line(std::uint16_t status);
// "200": for :status.
std::string_view status_text(std::uint16_t status);
// "Not Found". RFC 9110 §15, RFC 6585.
std::string_view reason_phrase(std::uint16_t status);

}  // namespace selvage::http
