#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selvage::hints {

// What a page's markup says of the style sheets and modules that it waits for.
struct Page {
    struct Sheet {
        std::string url;       // as written; empty: an inline one
        std::string_view css;  // of an inline one; of the page's text
    };
    struct Entry {
        std::string url;          // as written; empty: an inline one
        std::string_view script;  // of an inline one; of the page's text
        bool with_credentials = false;
    };

    std::string base;                // of <base href>; else empty
    std::vector<Sheet> sheets;       // those that block rendering, in order
    std::vector<Entry> entries;      // type="module", in order
    std::vector<std::string> known;  // URLs, as written, that a browser's preload scanner sees: scripts, preloads
    bool import_map = false;         // specifiers may mean something else
};

// Any bytes: what is no HTML has none of these. What stands in noscript or template is not the page's. Linear in its size; the
// text must outlive it. Source: HTML Standard §4.2.4 (link), §4.2.6 (style), §4.12.1 (script), §4.12.3 (template).
Page read_page(std::string_view html);

}  // namespace selvage::hints
