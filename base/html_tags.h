#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace selvage {

// A start tag of a page.
struct HtmlTag {
    struct Attribute {
        std::string name;   // lower case
        std::string value;  // character references decoded, as far as they stand in URLs
    };

    std::string name;  // lower case
    std::vector<Attribute> attributes;
    std::string_view text;  // of script, style, title and textarea: what stands in it, as written; else empty

    bool has(std::string_view attribute) const;
    std::string_view operator[](std::string_view attribute) const;  // "" when absent; of two of a name the first
};

// The start tags of a page, one after the other. No tree is built and nothing is run; comments, and what is text in script,
// style, title and textarea, are no tags.
//
// Any bytes: what is no HTML has no tags. Linear in their size. The page must outlive it and the tags' texts.
// Source: HTML Standard §13.2.5 (tokens), §13.2.6.2 (elements whose content is text).
class HtmlTags {
public:
    explicit HtmlTags(std::string_view html) : html_(html) {}

    // False at the end; then `tag` is as it was.
    bool next(HtmlTag& tag);

    // Goes on behind the end tag of this name, or at the end: for noscript and the like.
    void skip_element(std::string_view lower_case_name);

private:
    void skip_behind(std::string_view end, std::size_t from);
    std::string_view take_until(std::string_view ends);
    void skip_blanks();
    void read_tag(HtmlTag& tag);
    void read_attribute(HtmlTag& tag);
    std::string_view take_value();
    std::size_t end_tag_of(std::string_view name) const;

    std::string_view html_;
    std::size_t at_ = 0;
};

inline constexpr std::string_view kHtmlBlanks = " \t\n\f\r";

std::string_view trim_html(std::string_view text);  // blanks of HTML, line ends included

}  // namespace selvage
