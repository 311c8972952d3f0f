#pragma once

#include <string_view>

namespace selvage::http {

// How surprising it would be that a person gave this name: bits, by which letter follows which in the names of ordinary files,
// and which of them are written large. A word of eight letters has 20 to 35, two words or a word with a number 30 to 45; eight
// random characters of base64url have 48 by their number alone, and nearly always more than that here.
//
// For letters, digits, '-' and '_'; anything else counts as a separator. Total; no allocation.
double surprise_of(std::string_view text);

}  // namespace selvage::http
