#include "server/hints/selector.h"

#include <optional>
#include <string>
#include <utility>

#include "base/fields.h"
#include "server/hints/css_tokens.h"

namespace selvage::hints {

namespace {

using Element = Stylesheet::Element;
using Kind = CssToken::Kind;

// "body.serif": an element, and whether anything else is asked of it.
struct Compound {
    std::vector<CssToken> tokens;

    std::optional<Element> element(std::size_t& length) const {
        const auto is_word = [this](std::size_t at, std::string_view word) {
            return at < tokens.size() && tokens[at].kind == Kind::Ident && equals_ignoring_case(tokens[at].text, word);
        };
        length = 1;
        if (tokens.front().is('*')) return Element::All;
        if (is_word(0, "html")) return Element::Root;
        if (is_word(0, "body")) return Element::Body;
        length = 2;
        if (tokens.front().is(':') && is_word(1, "root")) return Element::Root;
        return std::nullopt;
    }

    bool is_pseudo_element(std::size_t at) const {
        return at + 1 < tokens.size() && tokens[at].is(':') &&
               (tokens[at + 1].is(':') || equals_ignoring_case(tokens[at + 1].text, "before") ||
                equals_ignoring_case(tokens[at + 1].text, "after"));
    }

    // Of the last compound of a selector.
    std::optional<Subject> subject() const {
        std::size_t length = 0;
        const auto found = element(length);
        if (!found) return std::nullopt;
        const bool more = tokens.size() > length;
        if (more && (*found == Element::All || is_pseudo_element(length))) return std::nullopt;
        return Subject{.element = *found, .certain = !more};
    }

    // Is it an ancestor that every page has?
    bool is_certain() const {
        const auto found = subject();
        return found && found->certain;
    }
};

class Selectors {
public:
    std::vector<Subject> read(std::string_view text) {
        CssTokens tokens(text);
        unsigned depth = 0;
        for (CssToken token = tokens.next(); token.kind != Kind::End; token = tokens.next()) {
            const bool opens = token.kind == Kind::Function || token.is('(') || token.is('[');
            const bool closes = token.is(')') || token.is(']');
            if (closes && depth > 0) --depth;
            if (depth == 0 && token.is(',')) {
                end_selector();
            } else if (depth == 0 && (token.kind == Kind::Blank || token.is('>') || token.is('+') || token.is('~'))) {
                gap_ = true;
            } else {
                if (std::exchange(gap_, false)) end_compound();
                compound_.tokens.push_back(std::move(token));
            }
            if (opens) ++depth;
        }
        end_selector();
        return std::move(found_);
    }

private:
    void end_compound() {
        if (compound_.tokens.empty()) return;
        certain_ = certain_ && compound_.is_certain();
        compound_.tokens.clear();
    }

    void end_selector() {
        if (!compound_.tokens.empty()) {
            if (auto subject = compound_.subject()) {
                subject->certain = subject->certain && certain_;
                // `.article *` is for some elements, not for the text of the page.
                if (subject->certain || subject->element != Element::All) found_.push_back(*subject);
            }
        }
        compound_.tokens.clear();
        certain_ = true;
        gap_ = false;
    }

    std::vector<Subject> found_;
    Compound compound_;
    bool certain_ = true;
    bool gap_ = false;
};

}  // namespace

std::vector<Subject> subjects_of(std::string_view selectors) { return Selectors().read(selectors); }

}  // namespace selvage::hints
