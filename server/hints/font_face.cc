#include "server/hints/font_face.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "base/ascii.h"
#include "base/fields.h"
#include "base/html_tags.h"
#include "server/hints/css_tokens.h"

namespace selvage::hints {

namespace {

using Kind = CssToken::Kind;

constexpr std::size_t kLongestUrl = 1024;  // a longer one has its font in it
constexpr std::size_t kLongestFamily = 128;

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = to_lower(c);
    return out;
}

// One value of `src`: a URL with what is said of it.
struct FontSource {
    bool is_url = false;
    std::string url;
    std::string format, tech;  // lower case
};

// The first argument of a function whose "name(" was read; what follows up to its ')' is skipped.
CssToken take_argument(CssTokens& tokens) {
    CssToken argument = tokens.solid();
    if (argument.is(')')) return {};
    for (CssToken token = tokens.next(); token.kind != Kind::End && !token.is(')'); token = tokens.next()) {
        if (token.kind != Kind::Blank) argument.kind = Kind::Bad;  // more than one, or another function
    }
    return argument;
}

// Up to the comma, or the end. `more`: there was a comma.
FontSource take_source(CssTokens& tokens, bool& more) {
    FontSource source;
    more = false;
    for (CssToken token = tokens.solid(); token.kind != Kind::End; token = tokens.solid()) {
        if (token.is(',')) {
            more = true;
            break;
        }
        if (token.kind == Kind::Url) {
            source.is_url = true;
            source.url = std::move(token.text);
        } else if (token.kind == Kind::Function) {
            const std::string name = lower(token.text);
            const CssToken argument = take_argument(tokens);
            const std::string text = argument.kind == Kind::String || argument.kind == Kind::Ident ? argument.text : "?";
            if (name == "url") {
                source.is_url = argument.kind == Kind::String;
                source.url = text;
            } else if (name == "format") {
                source.format = lower(text);
            } else {
                source.tech = name == "tech" ? lower(text) : "?";
            }
        } else {
            source.tech = "?";
        }
    }
    return source;
}

bool ends_as_woff2(std::string_view url) { return lower(url.substr(0, url.find_first_of("?#"))).ends_with(".woff2"); }

// The URL that a browser of today loads when it needs the face; empty: it is no WOFF2, or not certain.
std::string url_of_sources(std::string_view value) {
    CssTokens tokens(value);
    for (bool more = true; more;) {
        FontSource source = take_source(tokens, more);
        if (!source.is_url || !(source.tech.empty() || source.tech == "variations")) return {};  // local(): perhaps installed
        if (source.format == "embedded-opentype" || source.format == "svg") continue;
        const bool woff2 =
            source.format.empty() ? ends_as_woff2(source.url) : source.format == "woff2" || source.format == "woff2-variations";
        return woff2 && source.url.size() <= kLongestUrl ? std::move(source.url) : std::string();
    }
    return {};
}

std::optional<unsigned> weight_of(const CssToken& token) {
    if (token.kind == Kind::Ident && equals_ignoring_case(token.text, "normal")) return 400;
    if (token.kind == Kind::Ident && equals_ignoring_case(token.text, "bold")) return 700;
    unsigned weight = 0;
    const char* const end = token.text.data() + token.text.size();
    const auto [stop, error] = std::from_chars(token.text.data(), end, weight);
    if (token.kind != Kind::Number || error != std::errc() || stop != end || weight < 1 || weight > 1000) return std::nullopt;
    return weight;
}

// "400" or "100 900".
bool read_weights(std::string_view value, Stylesheet::Face& face) {
    CssTokens tokens(value);
    const auto first = weight_of(tokens.solid());
    if (!first) return false;
    face.lightest = face.heaviest = *first;
    const CssToken second = tokens.solid();
    if (second.kind == Kind::End) return true;
    const auto last = weight_of(second);
    if (!last) return false;
    face.lightest = std::min(*first, *last);
    face.heaviest = std::max(*first, *last);
    return true;
}

bool is_normal_width(std::string_view value) {
    CssTokens tokens(value);
    const CssToken first = tokens.solid(), second = tokens.solid();
    if (first.kind == Kind::Ident) return equals_ignoring_case(first.text, "normal") && second.kind == Kind::End;
    return first.text == "100%" || second.kind == Kind::Number;  // a range has it, or nobody would need one
}

std::optional<std::uint32_t> point_of(std::string_view digits) {
    std::uint32_t point = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, point, 16);
    if (error != std::errc() || stop != end || digits.size() > 6) return std::nullopt;
    return point;
}

// "U+61", "U+0-FF", "U+4??".
bool has_point(std::string_view range, std::uint32_t wanted) {
    if (range.size() < 3 || to_lower(range[0]) != 'u' || range[1] != '+') return false;
    range.remove_prefix(2);
    const auto dash = range.find('-');
    std::string first(range.substr(0, dash)), last(dash == std::string_view::npos ? range : range.substr(dash + 1));
    std::ranges::replace(first, '?', '0');
    std::ranges::replace(last, '?', 'F');
    const auto from = point_of(first), to = point_of(last);
    return from && to && *from <= wanted && wanted <= *to;
}

constexpr auto kNoFamilies = std::to_array<std::string_view>(
    {"serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui", "ui-serif", "ui-sans-serif", "ui-monospace",
     "ui-rounded", "math", "emoji", "fangsong", "inherit", "initial", "unset", "revert", "revert-layer", "default"});

}  // namespace

bool has_latin_letters(std::string_view unicode_range) {
    while (!unicode_range.empty()) {
        const auto comma = std::min(unicode_range.find(','), unicode_range.size());
        if (has_point(trim_html(unicode_range.substr(0, comma)), 'a')) return true;
        unicode_range.remove_prefix(std::min(comma + 1, unicode_range.size()));
    }
    return false;
}

std::string first_family(std::string_view value) {
    CssTokens tokens(value);
    std::string family;
    bool quoted = false;
    for (CssToken token = tokens.solid(); token.kind != Kind::End && !token.is(','); token = tokens.solid()) {
        const bool fits = token.kind == Kind::String ? family.empty() : token.kind == Kind::Ident && !quoted;
        if (!fits) return {};
        quoted = token.kind == Kind::String;
        if (!family.empty()) family.push_back(' ');
        family += lower(token.text);
    }
    if (!quoted && std::ranges::find(kNoFamilies, family) != kNoFamilies.end()) return {};
    return family;
}

std::optional<Stylesheet::Face> read_font_face(const Descriptors& descriptors) {
    Stylesheet::Face face;
    for (const auto& [name, value] : descriptors) {
        bool fits = true;
        if (name == "font-family") face.family = first_family(value);
        if (name == "src") face.url = url_of_sources(value);  // of several the last one counts
        if (name == "font-weight") fits = read_weights(value, face);
        if (name == "font-style") fits = equals_ignoring_case(trim_html(value), "normal");
        if (name == "font-stretch" || name == "font-width") fits = is_normal_width(value);
        if (name == "unicode-range") fits = has_latin_letters(value);
        if (!fits) return std::nullopt;
    }
    if (face.family.empty() || face.family.size() > kLongestFamily) return std::nullopt;
    return face;
}

}  // namespace selvage::hints
