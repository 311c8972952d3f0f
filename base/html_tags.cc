#include "base/html_tags.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/ascii.h"

namespace selvage {

namespace {

constexpr std::string_view kBlanks = kHtmlBlanks;

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = to_lower(c);
    return out;
}

void put_utf8(std::string& out, std::uint32_t point) {
    const auto byte = [&](std::uint32_t value) { out.push_back(static_cast<char>(value)); };
    if (point < 0x80) {
        byte(point);
    } else if (point < 0x800) {
        byte(0xC0 | point >> 6);
        byte(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        byte(0xE0 | point >> 12);
        byte(0x80 | (point >> 6 & 0x3F));
        byte(0x80 | (point & 0x3F));
    } else {
        byte(0xF0 | point >> 18);
        byte(0x80 | (point >> 12 & 0x3F));
        byte(0x80 | (point >> 6 & 0x3F));
        byte(0x80 | (point & 0x3F));
    }
}

// "amp", "#38", "#x26"; false when it is none that stands in URLs.
bool put_reference(std::string& out, std::string_view name) {
    constexpr std::pair<std::string_view, char> kNames[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (const auto& [known, c] : kNames) {
        if (name == known) return out.push_back(c), true;
    }
    if (!name.starts_with('#')) return false;
    name.remove_prefix(1);
    const bool sixteen = name.starts_with('x') || name.starts_with('X');
    if (sixteen) name.remove_prefix(1);
    std::uint32_t point = 0;
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data(), end, point, sixteen ? 16 : 10);
    if (error != std::errc() || stop != end || point == 0 || point > 0x10FFFF) return false;
    put_utf8(out, point);
    return true;
}

std::string decoded(std::string_view text) {
    constexpr std::size_t kLongest = 10;
    std::string out;
    while (!text.empty()) {
        const auto end = text.front() == '&' ? text.substr(0, kLongest + 2).find(';') : std::string_view::npos;
        if (end != std::string_view::npos && put_reference(out, text.substr(1, end - 1))) {
            text.remove_prefix(end + 1);
        } else {
            out.push_back(text.front());
            text.remove_prefix(1);
        }
    }
    return out;
}

// What stands in it is no markup.
bool is_text(std::string_view name) { return name == "script" || name == "style" || name == "title" || name == "textarea"; }

}  // namespace

bool HtmlTag::has(std::string_view attribute) const {
    return std::ranges::find(attributes, attribute, &Attribute::name) != attributes.end();
}

std::string_view HtmlTag::operator[](std::string_view attribute) const {
    const auto found = std::ranges::find(attributes, attribute, &Attribute::name);
    return found == attributes.end() ? std::string_view() : std::string_view(found->value);
}

bool HtmlTags::next(HtmlTag& tag) {
    for (at_ = html_.find('<', at_); at_ < html_.size(); at_ = html_.find('<', at_)) {
        const auto rest = html_.substr(at_);
        const char next = rest.size() > 1 ? to_lower(rest[1]) : ' ';
        if (rest.starts_with("<!-->") || rest.starts_with("<!--->")) {  // short, but complete
            skip_behind(">", at_ + 4);
        } else if (rest.starts_with("<!--")) {
            skip_behind("-->", at_ + 4);
        } else if (next >= 'a' && next <= 'z') {
            ++at_;
            read_tag(tag);
            return true;
        } else if (next == '/' || next == '!' || next == '?') {
            skip_behind(">", at_ + 2);
        } else {
            ++at_;
        }
    }
    at_ = html_.size();
    return false;
}

void HtmlTags::skip_element(std::string_view lower_case_name) {
    at_ = end_tag_of(lower_case_name);
    if (at_ < html_.size()) skip_behind(">", at_);
}

void HtmlTags::skip_behind(std::string_view end, std::size_t from) {
    const auto found = html_.find(end, from);
    at_ = found == std::string_view::npos ? html_.size() : found + end.size();
}

std::string_view HtmlTags::take_until(std::string_view ends) {
    const auto begin = std::exchange(at_, std::min(html_.find_first_of(ends, at_), html_.size()));
    return html_.substr(begin, at_ - begin);
}

void HtmlTags::skip_blanks() { at_ = std::min(html_.find_first_not_of(kBlanks, at_), html_.size()); }

void HtmlTags::read_tag(HtmlTag& tag) {
    tag = {.name = lower(take_until(" \t\n\f\r/>")), .attributes = {}, .text = {}};
    while (at_ < html_.size() && html_[at_] != '>') {
        at_ = std::min(html_.find_first_not_of(" \t\n\f\r/", at_), html_.size());
        if (at_ < html_.size() && html_[at_] != '>') read_attribute(tag);
    }
    at_ = std::min(at_ + 1, html_.size());
    if (!is_text(tag.name)) return;
    const auto end = end_tag_of(tag.name);
    tag.text = html_.substr(at_, end - at_);
    at_ = end;
}

void HtmlTags::read_attribute(HtmlTag& tag) {
    const std::size_t begin = at_++;  // a '=' may be a name's first byte
    take_until(" \t\n\f\r/>=");
    HtmlTag::Attribute attribute{.name = lower(html_.substr(begin, at_ - begin)), .value = {}};
    skip_blanks();
    if (at_ < html_.size() && html_[at_] == '=') {
        ++at_;
        skip_blanks();
        attribute.value = decoded(take_value());
    }
    tag.attributes.push_back(std::move(attribute));
}

std::string_view HtmlTags::take_value() {
    if (at_ >= html_.size()) return {};
    const char quote = html_[at_];
    if (quote != '"' && quote != '\'') return take_until(" \t\n\f\r>");
    ++at_;
    const auto value = take_until({&quote, 1});
    at_ = std::min(at_ + 1, html_.size());
    return value;
}

// Where "</name" stands from here on, the name complete; the page's size when it does not.
std::size_t HtmlTags::end_tag_of(std::string_view name) const {
    for (auto at = html_.find("</", at_); at != std::string_view::npos; at = html_.find("</", at + 2)) {
        const auto rest = html_.substr(at + 2);
        const auto same = [](char a, char b) { return to_lower(a) == b; };
        if (rest.size() < name.size() ||
            !std::equal(name.begin(), name.end(), rest.begin(), [&](char b, char a) { return same(a, b); })) {
            continue;
        }
        if (rest.size() == name.size() || std::string_view(" \t\n\f\r/>").find(rest[name.size()]) != std::string_view::npos)
            return at;
    }
    return html_.size();
}

std::string_view trim_html(std::string_view text) {
    const auto begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

}  // namespace selvage
