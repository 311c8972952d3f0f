#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace selvage::hints {

struct CssToken {
    enum class Kind : std::uint8_t {
        End,
        Blank,      // blanks and comments
        Ident,      // text: decoded
        Function,   // "name(": text is the name
        AtKeyword,  // text without the '@'
        String,     // text: decoded, without quotes
        Url,        // an unquoted url(…): text decoded
        Number,     // with its unit or '%'; text as written, and '#…', U+…
        Bad,        // a string or url that is none: what it spoils is not believed
        Sign,       // one byte: '{', ';', ',' …
    };
    Kind kind = Kind::End;
    std::string text;
    std::size_t begin = 0, end = 0;  // where it stands

    bool is(char sign) const { return kind == Kind::Sign && text.front() == sign; }
};

// The tokens of a style sheet, as far as rules, strings, URLs and names go: nothing within a comment, a string or an escape is
// taken for something else. Any bytes; linear in their size. The text must outlive it.
// Source: CSS Syntax 3 §4.3.
class CssTokens {
public:
    explicit CssTokens(std::string_view css) : css_(css) {}

    CssToken next();   // Blank is said once, however long; End again and again
    CssToken solid();  // the next that is no Blank

    std::size_t at() const { return at_; }
    void seek(std::size_t at) { at_ = at; }
    bool starts_at(std::size_t at, std::string_view text) const { return css_.substr(at).starts_with(text); }
    std::string_view between(std::size_t begin, std::size_t end) const { return css_.substr(begin, end - begin); }

private:
    char peek(std::size_t ahead = 0) const { return at_ + ahead < css_.size() ? css_[at_ + ahead] : '\0'; }
    bool starts_name(std::size_t ahead) const;
    bool starts_escape(std::size_t ahead) const;
    bool starts_number() const;
    bool skip_blanks();
    std::string take_name();
    void take_escape(std::string& out);
    void take_string(CssToken& token);
    void take_word(CssToken& token);
    void take_url(CssToken& token);
    void take_number();

    std::string_view css_;
    std::size_t at_ = 0;
};

}  // namespace selvage::hints
