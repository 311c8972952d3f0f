#include "server/hints/css_tokens.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/ascii.h"
#include "base/fields.h"

namespace selvage::hints {

namespace {

using Kind = CssToken::Kind;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
bool is_newline(char c) { return c == '\n' || c == '\r' || c == '\f'; }
bool is_name_start(char c) { return c == '_' || static_cast<unsigned char>(c) >= 0x80 || (is_alphanumeric(c) && !is_digit(c)); }
bool is_name(char c) { return is_name_start(c) || is_digit(c) || c == '-'; }

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    const char lower = to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

bool CssTokens::starts_escape(std::size_t ahead) const {
    return peek(ahead) == '\\' && at_ + ahead + 1 < css_.size() && !is_newline(peek(ahead + 1));
}

bool CssTokens::starts_name(std::size_t ahead) const {
    if (peek(ahead) == '-') return is_name_start(peek(ahead + 1)) || peek(ahead + 1) == '-' || starts_escape(ahead + 1);
    return is_name_start(peek(ahead)) || starts_escape(ahead);
}

bool CssTokens::starts_number() const {
    const std::size_t sign = peek() == '+' || peek() == '-' ? 1 : 0;
    return is_digit(peek(sign)) || (peek(sign) == '.' && is_digit(peek(sign + 1)));
}

// Comments too.
bool CssTokens::skip_blanks() {
    const std::size_t begin = at_;
    while (at_ < css_.size()) {
        if (is_blank(css_[at_])) {
            ++at_;
        } else if (css_.substr(at_, 2) == "/*") {
            const auto end = css_.find("*/", at_ + 2);
            at_ = end == std::string_view::npos ? css_.size() : end + 2;
        } else {
            break;
        }
    }
    return at_ != begin;
}

CssToken CssTokens::next() {
    CssToken token{.kind = Kind::End, .text = {}, .begin = at_, .end = at_};
    if (skip_blanks()) {
        token.kind = Kind::Blank;
    } else if (at_ == css_.size()) {
        return token;
    } else if (peek() == '"' || peek() == '\'') {
        take_string(token);
    } else if (starts_number() || (peek() == '#' && (is_name(peek(1)) || starts_escape(1)))) {
        take_number();
        token.kind = Kind::Number;
        token.text = between(token.begin, at_);
    } else if (peek() == '@' && starts_name(1)) {
        ++at_;
        token.kind = Kind::AtKeyword;
        token.text = take_name();
    } else if (starts_name(0)) {
        take_word(token);
    } else {
        token.kind = Kind::Sign;
        token.text = css_[at_++];
    }
    token.end = at_;
    return token;
}

CssToken CssTokens::solid() {
    CssToken token = next();
    if (token.kind == Kind::Blank) token = next();
    return token;
}

std::string CssTokens::take_name() {
    std::string name;
    while (at_ < css_.size()) {
        if (is_name(peek())) {
            name.push_back(css_[at_++]);
        } else if (starts_escape(0)) {
            take_escape(name);
        } else {
            break;
        }
    }
    return name;
}

// A code point that stands in names and URLs is one byte of ASCII; others become a byte that fits nothing.
void CssTokens::take_escape(std::string& out) {
    ++at_;
    if (hex_value(peek()) < 0) return out.push_back(css_[at_++]);
    std::uint32_t point = 0;
    for (int digits = 0; digits < 6 && hex_value(peek()) >= 0; ++digits) {
        point = 16 * point + static_cast<std::uint32_t>(hex_value(css_[at_++]));
    }
    if (peek() == '\r' && peek(1) == '\n') ++at_;
    if (at_ < css_.size() && is_blank(css_[at_])) ++at_;
    out.push_back(point > 0 && point < 0x80 ? static_cast<char>(point) : '\x7F');
}

void CssTokens::take_string(CssToken& token) {
    token.kind = Kind::String;
    const char quote = css_[at_++];
    while (at_ < css_.size() && css_[at_] != quote) {
        if (is_newline(css_[at_])) {
            token.kind = Kind::Bad;
            return;
        }
        if (css_[at_] != '\\') {
            token.text.push_back(css_[at_++]);
        } else if (at_ + 1 == css_.size()) {
            ++at_;
        } else if (is_newline(peek(1))) {  // goes on in the next line
            at_ += peek(1) == '\r' && peek(2) == '\n' ? 3 : 2;
        } else {
            take_escape(token.text);
        }
    }
    at_ = std::min(at_ + 1, css_.size());
}

// A name, a function or a url(…).
void CssTokens::take_word(CssToken& token) {
    token.text = take_name();
    if (peek() != '(') {
        token.kind = Kind::Ident;
        return;
    }
    ++at_;
    token.kind = Kind::Function;
    if (!equals_ignoring_case(token.text, "url")) return;
    std::size_t value = at_;
    while (value < css_.size() && is_blank(css_[value])) ++value;
    if (value < css_.size() && (css_[value] == '"' || css_[value] == '\'')) return;  // a function with a string
    at_ = value;
    take_url(token);
}

void CssTokens::take_url(CssToken& token) {
    token.kind = Kind::Url;
    token.text.clear();
    while (at_ < css_.size() && css_[at_] != ')') {
        if (starts_escape(0)) {
            take_escape(token.text);
            continue;
        }
        const char c = css_[at_++];
        if (is_blank(c)) {
            while (is_blank(peek()) && at_ < css_.size()) ++at_;
            if (at_ < css_.size() && peek() != ')') token.kind = Kind::Bad;
        } else if (c == '"' || c == '\'' || c == '(' || c == '\\' || is_control(c)) {
            token.kind = Kind::Bad;
        } else {
            token.text.push_back(c);
        }
    }
    at_ = std::min(at_ + 1, css_.size());
}

// Number, dimension, percentage or hash.
void CssTokens::take_number() {
    const bool hash = peek() == '#';
    if (peek() == '+' || peek() == '-' || hash) ++at_;
    if (hash) {
        take_name();
        return;
    }
    while (is_digit(peek())) ++at_;
    if (peek() == '.' && is_digit(peek(1))) {
        ++at_;
        while (is_digit(peek())) ++at_;
    }
    if (starts_name(0)) {
        take_name();  // a unit; an exponent is one, too, as nobody here asks
    } else if (peek() == '%') {
        ++at_;
    }
}

}  // namespace selvage::hints
