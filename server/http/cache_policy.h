#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "server/http/media_types.h"

namespace selvage::http {

// What the default policy looks at.
struct CacheFacts {
    std::string_view path;  // normalised URL path
    MediaClass media_class = MediaClass::Other;
    bool fingerprinted = false;  // by name, not demoted (Source::fingerprinted)
    bool verified = false;       // `v=` was checked against the content
    std::uint16_t status = 200;
    std::chrono::seconds page_life{0};  // of pages (site.page_deltas)
};

// The Cache-Control value: the table of static-delivery §1, then the site's rule on top of it (null: none matched).
//
// browser_ttl replaces the default ("public, max-age=…"; zero adds must-revalidate, and immutable goes); edge_ttl adds
// "s-maxage=…"; bypass is "no-store". Rules' lifetimes hold for successes and redirects; an error keeps its own short life,
// whatever the rule says, but bypass holds for errors too. Never empty.
std::string cache_control(const CacheFacts& facts, const config::Rule* rule);

// Why: a line for each part of it, for people.
std::vector<std::string> why_cache_control(const CacheFacts& facts, const config::Rule* rule);

}  // namespace selvage::http
