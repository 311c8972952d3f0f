#include "server/hints/script_tokens.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace selvage::hints {

namespace {

using Kind = ScriptToken::Kind;

constexpr std::size_t kDeepest = 10'000;  // brackets; no source that people or tools write has more

bool is_word(char c) { return is_alphanumeric(c) || c == '_' || c == '$' || c == '\\' || static_cast<unsigned char>(c) >= 0x80; }

// A '/' behind these begins a regular expression. ECMA-262 §12.7.2; all are reserved in modules.
constexpr auto kBeforeExpression =
    std::to_array<std::string_view>({"return", "typeof", "instanceof", "in", "new", "delete", "void", "throw", "case", "do",
                                     "else", "yield", "await", "extends", "default"});

constexpr auto kControl = std::to_array<std::string_view>({"if", "while", "for", "with"});

}  // namespace

// The length of the blank there; 0: none. ECMA-262 §12.2, §12.3.
std::size_t ScriptTokens::blank_at(std::size_t at) const {
    const char c = script_[at];
    if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
    if (static_cast<unsigned char>(c) < 0xC2) return 0;
    const auto rest = script_.substr(at);
    if (rest.starts_with("\xC2\xA0")) return 2;
    for (const std::string_view blank :
         {"\xEF\xBB\xBF", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80", "\xE1\x9A\x80"}) {
        if (rest.starts_with(blank)) return 3;
    }
    const bool en_quad_and_on = rest.starts_with("\xE2\x80") && rest.size() > 2 && static_cast<unsigned char>(rest[2]) <= 0x8A;
    return en_quad_and_on ? 3 : 0;
}

bool ScriptTokens::skip_blanks() {
    while (at_ < script_.size()) {
        const auto rest = script_.substr(at_, 2);
        if (const std::size_t length = blank_at(at_)) {
            at_ += length;
        } else if (rest == "//" || (at_ == 0 && rest == "#!")) {
            while (at_ < script_.size() && script_[at_] != '\n' && script_[at_] != '\r' &&
                   !(script_[at_] == '\xE2' &&
                     (script_.substr(at_, 3) == "\xE2\x80\xA8" || script_.substr(at_, 3) == "\xE2\x80\xA9"))) {
                ++at_;
            }
        } else if (rest == "/*") {
            const auto end = script_.find("*/", at_ + 2);
            if (end == std::string_view::npos) return false;
            at_ = end + 2;
        } else {
            break;
        }
    }
    return true;
}

ScriptToken ScriptTokens::next() {
    if (!skip_blanks() || at_ == script_.size()) return stop();
    const std::size_t depth = open_.size();
    ScriptToken token = take();
    token.depth = depth;
    const bool member = last_.is('.');
    last_ = token;
    last_is_member_ = member;
    return token;
}

ScriptToken ScriptTokens::stop() {
    at_ = script_.size();
    return {};
}

ScriptToken ScriptTokens::token(Kind kind, std::size_t begin) const {
    return {.kind = kind, .text = script_.substr(begin, at_ - begin), .depth = 0};
}

ScriptToken ScriptTokens::take() {
    const char c = script_[at_];
    if (is_digit(c) || (c == '.' && at_ + 1 < script_.size() && is_digit(script_[at_ + 1]))) return take_number();
    if (is_word(c) || c == '#' || c == '@') return take_word();
    if (c == '"' || c == '\'') return take_string();
    if (c == '`' || (c == '}' && !open_.empty() && open_.back() == Open::Template)) return take_template();
    if (c == '/') {
        switch (slash()) {
            case Slash::Unknown:
                return stop();
            case Slash::BeginsExpression:
                return take_expression();
            case Slash::Divides:
                break;
        }
    }
    return take_sign();
}

ScriptToken ScriptTokens::take_word() {
    const std::size_t begin = at_++;
    while (at_ < script_.size() && is_word(script_[at_]) && blank_at(at_) == 0) ++at_;
    return token(Kind::Word, begin);
}

ScriptToken ScriptTokens::take_number() {
    const std::size_t begin = at_++;
    while (at_ < script_.size() && (is_alphanumeric(script_[at_]) || script_[at_] == '_' || script_[at_] == '.')) ++at_;
    return token(Kind::Number, begin);
}

ScriptToken ScriptTokens::take_string() {
    const char quote = script_[at_];
    const std::size_t begin = ++at_;
    while (at_ < script_.size() && script_[at_] != quote) {
        if (script_[at_] == '\n' || script_[at_] == '\r') return stop();
        at_ += script_[at_] == '\\' ? 2 : 1;
    }
    if (at_ >= script_.size()) return stop();
    const ScriptToken found = token(Kind::String, begin);
    ++at_;
    return found;
}

// Behind '`' or the '}' of a substitution, up to the next "${" or the end of the template.
ScriptToken ScriptTokens::take_template() {
    const std::size_t begin = at_;
    if (script_[at_++] == '}') open_.pop_back();
    while (at_ < script_.size() && script_[at_] != '`') {
        if (script_.substr(at_, 2) == "${") {
            at_ += 2;
            if (open_.size() == kDeepest) return stop();
            open_.push_back(Open::Template);
            // What follows is an expression: as if behind a '('.
            return {.kind = Kind::Sign, .text = "(", .depth = 0};
        }
        at_ += script_[at_] == '\\' ? 2 : 1;
    }
    if (at_ >= script_.size()) return stop();
    ++at_;
    return token(Kind::Other, begin);
}

ScriptTokens::Slash ScriptTokens::slash() const {
    switch (last_.kind) {
        case Kind::End:
            return Slash::BeginsExpression;  // the first token
        case Kind::Number:
        case Kind::String:
        case Kind::Other:
            return Slash::Divides;
        case Kind::Word:
            if (last_is_member_) return Slash::Divides;
            if (last_.text == "of") return Slash::Unknown;  // `for (x of /a/)`, or a name
            return std::ranges::find(kBeforeExpression, last_.text) != kBeforeExpression.end() ? Slash::BeginsExpression
                                                                                               : Slash::Divides;
        case Kind::Sign:
            break;
    }
    if (last_.is(')') && closed_ == Open::AwaitParen) return Slash::Unknown;
    if (last_.is(')')) return closed_ == Open::ControlParen ? Slash::BeginsExpression : Slash::Divides;
    if (last_.is(']')) return Slash::Divides;
    if (last_.is('}')) return Slash::Unknown;  // of a block or of an object
    const bool twice =
        (last_.is('+') || last_.is('-')) && last_.text.data() > script_.data() && last_.text.data()[-1] == last_.text.front();
    return twice ? Slash::Unknown : Slash::BeginsExpression;  // `a++ / b`, or `+ +/a/`
}

ScriptToken ScriptTokens::take_expression() {
    const std::size_t begin = at_++;
    for (bool in_class = false; at_ < script_.size() && script_[at_] != '\n' && script_[at_] != '\r'; ++at_) {
        const char c = script_[at_];
        if (c == '\\') {
            ++at_;
            if (at_ < script_.size() && (script_[at_] == '\n' || script_[at_] == '\r')) return stop();
        } else if (c == '[') {
            in_class = true;
        } else if (c == ']') {
            in_class = false;
        } else if (c == '/' && !in_class) {
            ++at_;
            while (at_ < script_.size() && is_alphanumeric(script_[at_])) ++at_;  // flags
            return token(Kind::Other, begin);
        }
    }
    return stop();
}

ScriptToken ScriptTokens::take_sign() {
    const char sign = script_[at_];
    const std::size_t begin = at_++;
    const bool fits = sign == '(' || sign == '[' || sign == '{' ? open(sign) : close(sign);
    return fits ? token(Kind::Sign, begin) : stop();
}

bool ScriptTokens::open(char sign) {
    if (open_.size() == kDeepest) return false;
    if (sign != '(') {
        open_.push_back(sign == '{' ? Open::Brace : Open::Bracket);
    } else if (last_is_member_ || last_.kind != Kind::Word) {
        open_.push_back(Open::Paren);
    } else if (last_.text == "await") {
        open_.push_back(Open::AwaitParen);  // `for await (…)`, or `await (…)`
    } else {
        open_.push_back(std::ranges::find(kControl, last_.text) != kControl.end() ? Open::ControlParen : Open::Paren);
    }
    return true;
}

// True also for a sign that closes nothing.
bool ScriptTokens::close(char sign) {
    if (sign != ')' && sign != ']' && sign != '}') return true;
    if (open_.empty()) return false;
    closed_ = open_.back();
    open_.pop_back();
    if (sign == ')') return closed_ == Open::Paren || closed_ == Open::ControlParen || closed_ == Open::AwaitParen;
    return closed_ == (sign == ']' ? Open::Bracket : Open::Brace);
}

}  // namespace selvage::hints
