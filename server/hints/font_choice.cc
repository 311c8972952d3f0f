#include "server/hints/font_choice.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/fields.h"
#include "base/html_tags.h"
#include "server/hints/css_tokens.h"
#include "server/hints/font_face.h"

namespace selvage::hints {

namespace {

using Declaration = Stylesheet::Declaration;
using Element = Stylesheet::Element;
using Kind = CssToken::Kind;

constexpr int kDeepest = 8;                   // var() within var()
constexpr std::size_t kLongest = 4ULL << 10;  // of a value with its variables put in

// The parts of `font` that matter here.
struct Shorthand {
    std::string weight;  // as written; "normal" when it is not said
    std::string_view family;
};

// `italic 600 1rem/1.5 "Inter", sans-serif`. Nothing: a keyword, or what is no shorthand. CSS Fonts 4 §2.7.
std::optional<Shorthand> read_shorthand(std::string_view value) {
    constexpr auto kSizes = std::to_array<std::string_view>(
        {"xx-small", "x-small", "small", "medium", "large", "x-large", "xx-large", "xxx-large", "smaller", "larger"});
    CssTokens tokens(value);
    Shorthand font{.weight = "normal", .family = {}};
    const auto skip_arguments = [&tokens] {
        for (int depth = 1; depth > 0;) {
            const CssToken token = tokens.next();
            if (token.kind == Kind::End) return;
            if (token.kind == Kind::Function || token.is('(')) ++depth;
            if (token.is(')')) --depth;
        }
    };
    for (bool sized = false; !sized;) {
        const CssToken token = tokens.solid();
        if (token.kind == Kind::End) return std::nullopt;
        const bool plain_number = token.kind == Kind::Number && std::ranges::all_of(token.text, is_digit) && token.text != "0";
        if (plain_number || equals_ignoring_case(token.text, "bold")) {
            font.weight = token.text;
        } else if (token.kind == Kind::Function) {
            skip_arguments();  // calc(), clamp()
            sized = true;
        } else {
            sized = token.kind == Kind::Number ||
                    std::ranges::any_of(kSizes, [&](std::string_view size) { return equals_ignoring_case(size, token.text); });
        }
    }
    std::size_t family = tokens.at();
    if (CssToken slash = tokens.solid(); slash.is('/')) {
        if (tokens.solid().kind == Kind::Function) skip_arguments();
        family = tokens.at();
    }
    font.family = trim_html(value.substr(family));
    return font.family.empty() ? std::nullopt : std::optional(font);
}

std::optional<unsigned> weight_of(std::string_view value) {
    if (equals_ignoring_case(value, "normal")) return 400;
    if (equals_ignoring_case(value, "bold")) return 700;
    unsigned weight = 0;
    const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), weight);
    if (error != std::errc() || stop != value.data() + value.size() || weight < 1 || weight > 1000) return std::nullopt;
    return weight;
}

// Custom properties of the page's root: name → value, and those that are not always what they are.
class Variables {
public:
    void set(const Declaration& declaration) {
        Variable& variable = variables_[declaration.name];
        if (!declaration.certain) {
            variable.otherwise.push_back(declaration.value);
        } else {
            // For every element, <html> and <body> they may be set apart: then it matters who asks.
            if (variable.set && variable.element != declaration.element) variable.otherwise.push_back(variable.value);
            variable.set = true;
            variable.element = declaration.element;
            variable.value = declaration.value;
        }
    }

    // The value with its variables put in. Nothing: one is not known for certain.
    std::optional<std::string> resolved(std::string_view value, int depth = 0) const {
        std::string out;
        CssTokens tokens(value);
        while (true) {
            const CssToken token = tokens.next();
            if (token.kind == Kind::End) return out;
            if (token.kind == Kind::Function && equals_ignoring_case(token.text, "var")) {
                const auto inner = depth < kDeepest ? variable(tokens, depth) : std::nullopt;
                if (!inner) return std::nullopt;
                out += *inner;
            } else {
                out += tokens.between(token.begin, token.end);
            }
            if (out.size() > kLongest) return std::nullopt;
        }
    }

private:
    struct Variable {
        bool set = false;
        Element element = Element::Root;
        std::string value;
        std::vector<std::string> otherwise;
    };

    // Behind "var(", up to its ')'.
    std::optional<std::string> variable(CssTokens& tokens, int depth) const {
        const CssToken name = tokens.solid();
        CssToken next = tokens.solid();
        const std::size_t fallback = next.end;
        std::size_t end = next.begin;
        for (int open = next.is(')') ? 0 : 1; open > 0;) {
            next = tokens.next();
            end = next.begin;
            if (next.kind == Kind::End) break;
            if (next.kind == Kind::Function || next.is('(')) ++open;
            if (next.is(')')) --open;
        }
        const auto found = variables_.find(name.text);
        if (found != variables_.end()) {
            const Variable& known = found->second;
            const bool certain =
                known.set && std::ranges::all_of(known.otherwise, [&](const std::string& other) { return other == known.value; });
            return certain ? resolved(known.value, depth + 1) : std::nullopt;
        }
        return end > fallback ? resolved(tokens.between(fallback, end), depth + 1) : std::nullopt;
    }

    std::map<std::string, Variable, std::less<>> variables_;
};

// What one property of the three elements is, by the rules that always hold, and what it is by the others.
struct Property {
    std::array<std::optional<std::string>, 3> values;  // by Element
    std::vector<std::string> otherwise;

    void set(const Declaration& declaration, std::string value) {
        if (declaration.certain) {
            values[static_cast<std::size_t>(declaration.element)] = std::move(value);
        } else {
            otherwise.push_back(std::move(value));
        }
    }
    const std::optional<std::string>& of(Element element) const { return values[static_cast<std::size_t>(element)]; }

    // Of the text within <body>. Nothing: rules of different elements are at odds.
    std::optional<std::string> of_text(std::string_view initial) const {
        const auto says_nothing = [](const std::optional<std::string>& value) {
            return !value || equals_ignoring_case(*value, "inherit");
        };
        const auto &all = of(Element::All), &body = of(Element::Body), &root = of(Element::Root);
        if (!says_nothing(all)) return (body && *body != *all) || (root && *root != *all) ? std::nullopt : all;
        if (!says_nothing(body)) return body;
        return says_nothing(root) ? std::string(initial) : *root;
    }
};

class Choice {
public:
    explicit Choice(std::span<const PlacedSheet> sheets) : sheets_(sheets) {}

    std::optional<ChosenFont> choose() {
        if (std::ranges::any_of(sheets_, [](const PlacedSheet& placed) { return !placed.sheet || placed.sheet->unsure; }))
            return {};
        cascade(true);
        cascade(false);
        const auto text = families_.of_text("");
        const auto family = text ? family_of(*text) : std::nullopt;
        const auto text_weight = weights_.of_text("normal");
        const auto weight = text_weight ? weight_in(*text_weight) : std::nullopt;
        if (!family || !weight) return {};
        for (const std::string& other : families_.otherwise) {
            if (family_of(other) != family) return {};
        }
        for (const std::string& other : weights_.otherwise) {
            if (weight_in(other) != weight) return {};
        }
        return face_of(*family, *weight);
    }

private:
    // What is in no layer comes after, and wins.
    void cascade(bool layered) {
        for (const PlacedSheet& placed : sheets_) {
            for (const Declaration& declaration : placed.sheet->declarations) {
                if ((placed.layered || declaration.layered) == layered) apply(declaration);
            }
        }
    }

    void apply(const Declaration& declaration) {
        if (declaration.name == "font-family") return families_.set(declaration, declaration.value);
        if (declaration.name == "font-weight") return weights_.set(declaration, declaration.value);
        if (declaration.name != "font") return variables_.set(declaration);
        if (const auto font = read_shorthand(declaration.value)) {
            families_.set(declaration, std::string(font->family));
            weights_.set(declaration, font->weight);
        } else {
            families_.set(declaration, declaration.value);  // `inherit`, or a value that gives no family
        }
    }

    std::optional<std::string> family_of(std::string_view value) const {
        const auto resolved = variables_.resolved(value);
        std::string family = resolved ? first_family(*resolved) : std::string();
        return family.empty() ? std::nullopt : std::optional(std::move(family));
    }

    std::optional<unsigned> weight_in(std::string_view value) const {
        const auto resolved = variables_.resolved(value);
        return resolved ? weight_of(trim_html(*resolved)) : std::nullopt;
    }

    std::optional<ChosenFont> face_of(const std::string& family, unsigned weight) const {
        std::vector<ChosenFont> all, fitting;
        for (std::size_t sheet = 0; sheet < sheets_.size(); ++sheet) {
            for (const Stylesheet::Face& face : sheets_[sheet].sheet->faces) {
                if (face.family != family) continue;
                all.push_back({sheet, face.url});
                if (face.lightest <= weight && weight <= face.heaviest) fitting.push_back(all.back());
            }
        }
        const auto& candidates = fitting.empty() ? all : fitting;  // of one face alone any weight is made
        const auto differs = [&](const ChosenFont& font) { return font.url != candidates.front().url; };
        if (candidates.empty() || candidates.front().url.empty() || std::ranges::any_of(candidates, differs)) return {};
        return candidates.front();
    }

    std::span<const PlacedSheet> sheets_;
    Variables variables_;
    Property families_, weights_;
};

}  // namespace

std::optional<ChosenFont> choose_font(std::span<const PlacedSheet> sheets) { return Choice(sheets).choose(); }

}  // namespace selvage::hints
