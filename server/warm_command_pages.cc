#include "server/warm_command_pages.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/html_tags.h"
#include "server/transform_command_files.h"

namespace selvage::server {

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = to_lower(c);
    return out;
}

// From `at` on; npos when it is not there. `needle` in lower case.
std::size_t find_word(std::string_view text, std::string_view needle, std::size_t at) {
    const auto same = [](char a, char b) { return to_lower(a) == b; };
    const auto found =
        std::search(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), needle.begin(), needle.end(), same);
    return found == text.end() ? std::string_view::npos : static_cast<std::size_t>(found - text.begin());
}

void add_style_urls(std::string_view css, std::vector<std::string>& found) {
    for (std::size_t at = find_word(css, "url(", 0); at != std::string_view::npos; at = find_word(css, "url(", at)) {
        at += 4;
        const auto end = css.find(')', at);
        if (end == std::string_view::npos) return;
        auto url = trim_html(css.substr(at, end - at));
        if (url.size() >= 2 && (url.front() == '"' || url.front() == '\'') && url.back() == url.front()) {
            url = url.substr(1, url.size() - 2);
        }
        if (has_image_extension(url.substr(0, url.find_first_of("?#")))) found.emplace_back(url);
        at = end;
    }
}

class Page {
public:
    PageImages read(std::string_view html) {
        HtmlTags tags(html);
        for (HtmlTag tag; tags.next(tag);) use(tag);
        return std::move(images_);
    }

private:
    void use(const HtmlTag& tag) {
        if (tag.name == "style") add_style_urls(tag.text, images_.references);
        add_style_urls(tag["style"], images_.references);
        if (tag.name == "base" && images_.base.empty()) images_.base = trim_html(tag["href"]);
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

    void use_link(const HtmlTag& tag) {
        const std::string kind = lower(tag["rel"]);
        const bool preload = kind.find("preload") != std::string::npos && lower(tag["as"]) == "image";
        if (preload) add_srcset(tag["imagesrcset"]);
        if (preload || kind.find("icon") != std::string::npos) add_url(tag["href"]);
    }

    void add_url(std::string_view url) {
        if (url = trim_html(url); !url.empty()) images_.references.emplace_back(url);
    }

    void add_srcset(std::string_view srcset) {
        for (std::string& url : urls_of_srcset(srcset)) images_.references.push_back(std::move(url));
    }

    PageImages images_;
};

}  // namespace

PageImages images_of_page(std::string_view html) { return Page().read(html); }

std::vector<std::string> urls_of_srcset(std::string_view srcset) {
    std::vector<std::string> urls;
    while (true) {
        srcset.remove_prefix(std::min(srcset.find_first_not_of(" \t\n\f\r,"), srcset.size()));
        if (srcset.empty()) return urls;
        auto url = srcset.substr(0, srcset.find_first_of(kHtmlBlanks));
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

}  // namespace selvage::server
