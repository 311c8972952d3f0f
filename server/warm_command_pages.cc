#include "server/warm_command_pages.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/url.h"
#include "server/transform_command_files.h"

namespace selvage::server {

namespace {

constexpr std::string_view kBlanks = " \t\n\f\r";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = lower(c);
    return out;
}

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// From `at` on; npos when it is not there. `needle` in lower case.
std::size_t find_word(std::string_view text, std::string_view needle, std::size_t at) {
    const auto same = [](char a, char b) { return lower(a) == b; };
    const auto found =
        std::search(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), needle.begin(), needle.end(), same);
    return found == text.end() ? std::string_view::npos : static_cast<std::size_t>(found - text.begin());
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

void add_style_urls(std::string_view css, std::vector<std::string>& found) {
    for (std::size_t at = find_word(css, "url(", 0); at != std::string_view::npos; at = find_word(css, "url(", at)) {
        at += 4;
        const auto end = css.find(')', at);
        if (end == std::string_view::npos) return;
        auto url = trimmed(css.substr(at, end - at));
        if (url.size() >= 2 && (url.front() == '"' || url.front() == '\'') && url.back() == url.front()) {
            url = url.substr(1, url.size() - 2);
        }
        if (has_image_extension(url.substr(0, url.find_first_of("?#")))) found.emplace_back(url);
        at = end;
    }
}

struct Attribute {
    std::string name;  // lower case
    std::string value;
};

struct Tag {
    std::string name;  // lower case
    std::vector<Attribute> attributes;

    std::string_view operator[](std::string_view attribute) const {
        const auto found = std::ranges::find(attributes, attribute, &Attribute::name);
        return found == attributes.end() ? std::string_view() : std::string_view(found->value);
    }
};

class Page {
public:
    explicit Page(std::string_view html) : html_(html) {}

    PageImages read() {
        for (at_ = html_.find('<'); at_ < html_.size(); at_ = html_.find('<', at_)) {
            const auto rest = html_.substr(at_);
            const char next = rest.size() > 1 ? lower(rest[1]) : ' ';
            if (rest.starts_with("<!--")) {
                skip_behind("-->", at_ + 4);
            } else if (next >= 'a' && next <= 'z') {
                ++at_;
                read_tag();
            } else if (next == '/' || next == '!' || next == '?') {
                skip_behind(">", at_ + 2);
            } else {
                ++at_;
            }
        }
        return std::move(images_);
    }

private:
    void skip_behind(std::string_view end, std::size_t from) {
        const auto found = html_.find(end, from);
        at_ = found == std::string_view::npos ? html_.size() : found + end.size();
    }

    std::string_view take_until(std::string_view ends) {
        const auto begin = std::exchange(at_, std::min(html_.find_first_of(ends, at_), html_.size()));
        return html_.substr(begin, at_ - begin);
    }

    void skip_blanks() { at_ = std::min(html_.find_first_not_of(kBlanks, at_), html_.size()); }

    void read_tag() {
        Tag tag{.name = lower(take_until(" \t\n\f\r/>")), .attributes = {}};
        while (at_ < html_.size() && html_[at_] != '>') {
            at_ = std::min(html_.find_first_not_of(" \t\n\f\r/", at_), html_.size());
            if (at_ < html_.size() && html_[at_] != '>') read_attribute(tag);
        }
        at_ = std::min(at_ + 1, html_.size());
        use(tag);
        if (tag.name == "script" || tag.name == "style" || tag.name == "title" || tag.name == "textarea") skip_text_of(tag.name);
    }

    void read_attribute(Tag& tag) {
        const std::size_t begin = at_++;  // a '=' may be a name's first byte
        take_until(" \t\n\f\r/>=");
        Attribute attribute{.name = lower(html_.substr(begin, at_ - begin)), .value = {}};
        skip_blanks();
        if (at_ < html_.size() && html_[at_] == '=') {
            ++at_;
            skip_blanks();
            attribute.value = decoded(take_value());
        }
        tag.attributes.push_back(std::move(attribute));
    }

    std::string_view take_value() {
        if (at_ >= html_.size()) return {};
        const char quote = html_[at_];
        if (quote != '"' && quote != '\'') return take_until(" \t\n\f\r>");
        ++at_;
        const auto value = take_until({&quote, 1});
        at_ = std::min(at_ + 1, html_.size());
        return value;
    }

    // What stands in it is no markup.
    void skip_text_of(const std::string& name) {
        const auto end = std::min(find_word(html_, "</" + name, at_), html_.size());
        if (name == "style") add_style_urls(html_.substr(at_, end - at_), images_.references);
        at_ = end;
    }

    void use(const Tag& tag) {
        add_style_urls(tag["style"], images_.references);
        if (tag.name == "base" && images_.base.empty()) images_.base = trimmed(tag["href"]);
        if (tag.name == "img" || tag.name == "source") {
            if (tag.name == "img") add_url(tag["src"]);
            if (tag.name == "img") add_url(tag["data-src"]);
            add_srcset(tag["srcset"]);
            add_srcset(tag["data-srcset"]);
        } else if (tag.name == "input" || tag.name == "video" || tag.name == "image") {
            add_url(tag[tag.name == "input" ? "src" : tag.name == "video" ? "poster" : "href"]);
        } else if (tag.name == "link") {
            use_link(tag);
        }
    }

    void use_link(const Tag& tag) {
        const std::string kind = lower(tag["rel"]);
        const bool preload = kind.find("preload") != std::string::npos && lower(tag["as"]) == "image";
        if (preload) add_srcset(tag["imagesrcset"]);
        if (preload || kind.find("icon") != std::string::npos) add_url(tag["href"]);
    }

    void add_url(std::string_view url) {
        if (url = trimmed(url); !url.empty()) images_.references.emplace_back(url);
    }

    void add_srcset(std::string_view srcset) {
        for (std::string& url : urls_of_srcset(srcset)) images_.references.push_back(std::move(url));
    }

    std::string_view html_;
    std::size_t at_ = 0;
    PageImages images_;
};

// What follows the authority of an absolute URL of this site; the reference itself when it is relative.
std::optional<std::string_view> without_origin(std::string_view reference, std::span<const std::string> hosts) {
    const auto colon = reference.find_first_of(":/?");
    if (colon != std::string_view::npos && reference[colon] == ':') {
        const std::string scheme = lower(reference.substr(0, colon));
        if (scheme != "http" && scheme != "https") return std::nullopt;
        reference.remove_prefix(colon + 1);
        if (!reference.starts_with("//")) return std::nullopt;
    }
    if (!reference.starts_with("//")) return reference;
    reference.remove_prefix(2);
    const auto end = std::min(reference.find_first_of("/?"), reference.size());
    if (std::ranges::find(hosts, lower(reference.substr(0, end))) == hosts.end()) return std::nullopt;
    return end == reference.size() ? std::string_view("/") : reference.substr(end);
}

// As it may stand in a request line.
std::string wire_query(std::string_view query) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char c : query) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x20 && byte < 0x7F && c != '"' && c != '<' && c != '>') {
            out.push_back(c);
        } else {
            out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return out;
}

}  // namespace

PageImages images_of_page(std::string_view html) { return Page(html).read(); }

std::vector<std::string> urls_of_srcset(std::string_view srcset) {
    std::vector<std::string> urls;
    while (true) {
        srcset.remove_prefix(std::min(srcset.find_first_not_of(" \t\n\f\r,"), srcset.size()));
        if (srcset.empty()) return urls;
        auto url = srcset.substr(0, srcset.find_first_of(kBlanks));
        srcset.remove_prefix(url.size());
        const bool bare = url.ends_with(',');
        url = url.substr(0, url.find_last_not_of(',') + 1);
        if (!url.empty()) urls.emplace_back(url);
        if (bare) continue;
        std::size_t end = 0;
        for (int depth = 0; end < srcset.size() && (srcset[end] != ',' || depth > 0); ++end) {
            if (srcset[end] == '(') ++depth;
            if (srcset[end] == ')') --depth;
        }
        srcset.remove_prefix(end);
    }
}

std::optional<std::string> own_target(std::string_view reference, std::string_view page, std::span<const std::string> hosts) {
    reference = trimmed(reference);
    reference = reference.substr(0, reference.find('#'));
    if (reference.empty()) return std::nullopt;
    const auto rest = without_origin(reference, hosts);
    if (!rest) return std::nullopt;
    const TargetParts here = split_target(page), there = split_target(*rest);
    std::string path(there.path);
    if (path.empty()) {
        path = here.path;
    } else if (!path.starts_with('/')) {
        path = std::string(here.path.substr(0, here.path.rfind('/') + 1)) + path;
    }
    const auto normal = normalise_path(path);
    if (!normal || normal->find('%') != std::string::npos) return std::nullopt;
    std::string target = encode_path(*normal);
    if (there.has_query) target += "?" + wire_query(there.query);
    return target;
}

}  // namespace selvage::server
