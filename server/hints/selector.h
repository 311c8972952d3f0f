#pragma once

#include <string_view>
#include <vector>

#include "server/hints/stylesheet.h"

namespace selvage::hints {

// Whom a rule is for, when it is every element, <html> or <body>.
struct Subject {
    Stylesheet::Element element;
    bool certain;  // `body`, `html body`; not `body.serif`, `.dark body`
    friend bool operator==(const Subject&, const Subject&) = default;
};

// Of a list of selectors: those that are for one of the three. Source: Selectors 4 §3.
std::vector<Subject> subjects_of(std::string_view selectors);

}  // namespace selvage::hints
