#include "server/hints/page.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "base/fields.h"
#include "base/html_tags.h"
#include "server/hints/stylesheet.h"

namespace selvage::hints {

namespace {

constexpr std::size_t kMost = 1'000;  // of each kind; more are not looked at

// Their content is text or stands apart: scripts run in whatever asks for navigations.
constexpr auto kApart =
    std::to_array<std::string_view>({"noscript", "template", "iframe", "noembed", "noframes", "xmp", "plaintext"});

bool has_word(std::string_view words, std::string_view word) {
    while (!words.empty()) {
        words.remove_prefix(std::min(words.find_first_not_of(kHtmlBlanks), words.size()));
        const auto one = words.substr(0, words.find_first_of(kHtmlBlanks));
        if (equals_ignoring_case(one, word)) return true;
        words.remove_prefix(one.size());
    }
    return false;
}

bool is_style(const HtmlTag& tag) {
    const std::string_view type = trim_html(tag["type"]);
    return type.empty() || equals_ignoring_case(type, "text/css");
}

class Reader {
public:
    explicit Reader(std::string_view html) : tags_(html) {}

    Page read() {
        for (HtmlTag tag; tags_.next(tag);) {
            if (std::ranges::find(kApart, tag.name) != kApart.end()) {
                tags_.skip_element(tag.name);
            } else {
                use(tag);
            }
        }
        return std::move(page_);
    }

private:
    void use(const HtmlTag& tag) {
        if (tag.name == "base" && page_.base.empty()) page_.base = trim_html(tag["href"]);
        if (tag.name == "link") use_link(tag);
        if (tag.name == "script") use_script(tag);
        if (tag.name == "style" && is_style(tag) && is_for_any_screen(tag["media"]) && page_.sheets.size() < kMost) {
            page_.sheets.push_back({.url = {}, .css = tag.text});
        }
    }

    void use_link(const HtmlTag& tag) {
        const std::string_view rel = tag["rel"], href = trim_html(tag["href"]);
        if (href.empty()) return;
        if (has_word(rel, "preload") || has_word(rel, "modulepreload")) add_known(href);
        const bool blocks = has_word(rel, "stylesheet") && !has_word(rel, "alternate") && !tag.has("disabled") && is_style(tag);
        if (blocks && is_for_any_screen(tag["media"]) && page_.sheets.size() < kMost) {
            page_.sheets.push_back({.url = std::string(href), .css = {}});
        }
    }

    void use_script(const HtmlTag& tag) {
        const std::string_view type = trim_html(tag["type"]), src = trim_html(tag["src"]);
        if (!src.empty()) add_known(src);
        if (equals_ignoring_case(type, "importmap")) page_.import_map = true;
        if (!equals_ignoring_case(type, "module") || page_.entries.size() >= kMost) return;
        if (tag.has("src") && src.empty()) return;
        page_.entries.push_back({.url = std::string(src),
                                 .script = src.empty() ? tag.text : std::string_view(),
                                 .with_credentials = equals_ignoring_case(trim_html(tag["crossorigin"]), "use-credentials")});
    }

    void add_known(std::string_view url) {
        if (page_.known.size() < kMost) page_.known.emplace_back(url);
    }

    HtmlTags tags_;
    Page page_;
};

}  // namespace

Page read_page(std::string_view html) { return Reader(html).read(); }

}  // namespace selvage::hints
