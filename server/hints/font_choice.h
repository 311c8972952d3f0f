#pragma once

#include <optional>
#include <span>
#include <string>

#include "server/hints/stylesheet.h"

namespace selvage::hints {

// A style sheet of a page, in the order of the cascade.
struct PlacedSheet {
    const Stylesheet* sheet = nullptr;
    bool layered = false;  // imported into a layer
};

struct ChosenFont {
    std::size_t sheet = 0;  // which of them: its URL is relative to that
    std::string url;        // as written there
};

// The font that a browser will surely load for the letters of a page's text: the WOFF2 of the one face of the first family that
// rules for every element, <html> or <body> name, at their weight.
//
// Nothing when that is not certain: a sheet that was not read (null), a family whose first source may be installed, rules that
// hold only under a condition and say something else, two faces that fit. A hint that is missing costs a little time, a wrong one
// the bytes of a font.
std::optional<ChosenFont> choose_font(std::span<const PlacedSheet> sheets);

}  // namespace selvage::hints
