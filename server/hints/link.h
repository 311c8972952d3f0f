#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace selvage::hints {

// Something that a page will want and its markup does not say.
struct Hint {
    enum class Kind : std::uint8_t { Font, Module };
    Kind kind = Kind::Module;
    std::string target;             // "/assets/vendor-x.js": as the page will ask for it, of plain bytes (is_plain())
    bool with_credentials = false;  // of a module: its entry has crossorigin="use-credentials"
    friend bool operator==(const Hint&, const Hint&) = default;
};
using HintList = std::vector<Hint>;

// The value of a Link field: `</fonts/x.woff2>; rel=preload; as=font; type="font/woff2"; crossorigin`. With the attributes with
// which the page will ask, else the browser asks twice: fonts are always asked for as crossorigin=anonymous (CSS Fonts §4.8.2),
// modules as their entry is (HTML Standard §8.1.4.2).
// Source: RFC 8288 §3; HTML Standard §4.6.7.12 (modulepreload), §4.6.7.17 (preload).
inline std::string link_value(const Hint& hint) {
    const std::string target = "<" + hint.target + ">";
    if (hint.kind == Hint::Kind::Font) return target + "; rel=preload; as=font; type=\"font/woff2\"; crossorigin";
    return target + (hint.with_credentials ? "; rel=modulepreload; crossorigin=use-credentials" : "; rel=modulepreload");
}

}  // namespace selvage::hints
