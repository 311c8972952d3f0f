#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace selvage::hints {

struct ScriptToken {
    enum class Kind : std::uint8_t {
        End,   // of the text, or of what can be told for certain
        Word,  // identifiers and keywords, #names too
        Number,
        String,  // text: what is between the quotes, as written
        Other,   // a template or a part of it, a regular expression
        Sign,    // one byte of punctuation
    };
    Kind kind = Kind::End;
    std::string_view text;
    std::size_t depth = 0;  // open brackets and templates before it

    bool is(char sign) const { return kind == Kind::Sign && text.front() == sign; }
    bool is(std::string_view word) const { return kind == Kind::Word && text == word; }
};

// The tokens of a module, comments left out. Stops (End) where a '/' may begin a regular expression or divide, and at what cannot
// be JavaScript. Any bytes; linear in their size. The text must outlive it. Source: ECMA-262 §12; modules have neither <!--
// comments nor sloppy mode.
class ScriptTokens {
public:
    explicit ScriptTokens(std::string_view script) : script_(script) {}

    ScriptToken next();

private:
    enum class Open : std::uint8_t { Brace, Bracket, Paren, ControlParen, AwaitParen, Template };

    // What may come before a '/'.
    enum class Slash : std::uint8_t { Divides, BeginsExpression, Unknown };

    bool skip_blanks();  // and comments; false: one does not end
    std::size_t blank_at(std::size_t at) const;
    ScriptToken take();
    ScriptToken take_word();
    ScriptToken take_number();
    ScriptToken take_string();
    ScriptToken take_template();
    ScriptToken take_expression();
    ScriptToken take_sign();
    bool open(char sign);
    bool close(char sign);
    ScriptToken stop();
    Slash slash() const;
    ScriptToken token(ScriptToken::Kind kind, std::size_t begin) const;

    std::string_view script_;
    std::size_t at_ = 0;
    std::vector<Open> open_;
    ScriptToken last_;             // as it was returned
    bool last_is_member_ = false;  // a word behind a '.'
    Open closed_ = Open::Brace;    // what the last ')', ']' or '}' closed
};

}  // namespace selvage::hints
