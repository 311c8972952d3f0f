#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/hints/stylesheet.h"

namespace selvage::hints {

// The descriptors of an @font-face, as written, in order.
using Descriptors = std::vector<std::pair<std::string, std::string>>;  // name in lower case, value

// Nothing: without a family, or for other than upright letters of normal width.
std::optional<Stylesheet::Face> read_font_face(const Descriptors& descriptors);

// Does a unicode-range have the letter a? CSS Syntax 3 §7.1.
bool has_latin_letters(std::string_view unicode_range);

// The families of a font-family value until the first comma: "Inter", in lower case; empty when there is none to be seen.
std::string first_family(std::string_view value);

}  // namespace selvage::hints
