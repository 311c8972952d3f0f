#pragma once

#include <string>
#include <string_view>

namespace selvage::http::h2 {

// Decodes a string literal of HPACK (RFC 7541 §5.2, appendix B) into `text`, whose content is replaced. False: a code that does
// not exist, the end-of-string symbol, or padding that is not the beginning of one.
bool decode_huffman(std::string_view coded, std::string& text);

}  // namespace selvage::http::h2
