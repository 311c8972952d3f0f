#pragma once

namespace selvage {

// Bytes as US-ASCII, whatever the locale. Bytes above 0x7F are none of these.
constexpr bool is_control(char c) { return (c >= 0 && c < 0x20) || c == 0x7F; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c); }
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace selvage
