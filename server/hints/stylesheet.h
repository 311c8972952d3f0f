#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace selvage::hints {

// What a style sheet says of the font of a page's text.
struct Stylesheet {
    // An @font-face for upright letters a–z.
    struct Face {
        std::string family;  // lower case
        std::string url;     // as written; empty: what a browser takes is not certain, or no WOFF2 of a URL
        unsigned lightest = 400, heaviest = 400;
    };

    // Whom a rule is for: every element, <html>, <body>.
    enum class Element : std::uint8_t { All, Root, Body };
    // `font-family`, `font-weight`, `font` or a custom property.
    struct Declaration {
        Element element = Element::Root;
        bool certain = true;   // false: within a condition, or of a selector that may not fit
        bool layered = false;  // weaker than what is in no layer (CSS Cascade 5 §6.4.3)
        std::string name;
        std::string value;  // as written, without !important
    };
    struct Import {
        std::string url;  // as written
        bool layered = false;
    };

    std::vector<Face> faces;
    std::vector<Declaration> declarations;  // in order
    std::vector<Import> imports;            // come before everything else
    bool unsure = false;                    // there is more than is kept, or an import under a condition
};

// Any bytes; linear in their size, and a part of it in memory. What cannot be read is left out, as browsers do.
// Source: CSS Syntax 3 §5, CSS Fonts 4 §4 (@font-face), CSS Cascade 5 §2 (@import), §6.4 (@layer).
Stylesheet read_stylesheet(std::string_view css);

// Is a style sheet or rule under this media query for screens as they are? Certain for "", "all" and "screen" alone.
bool is_for_any_screen(std::string_view media);

}  // namespace selvage::hints
