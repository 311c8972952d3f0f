#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/config.h"
#include "server/catalogue/catalogue.h"
#include "server/hints/link.h"
#include "server/hints/stylesheet.h"
#include "server/http/counters.h"
#include "server/representations/recent_contents.h"

namespace selvage::hints {

// The URL of a reference as a browser will ask for it. Nothing for another site's, and for one that a browser might spell
// differently: only letters, digits and "/._~-@+=!$" (in a query "?&" too) are plain. `from`: the path that it is relative to.
std::optional<std::string> plain_target(std::string_view reference, std::string_view from);

// From a page to its hints: reads it, its blocking style sheets and its modules from the site, and what these import. One thread
// at a time. What it read of style sheets and modules it remembers by their content.
class Gathering {
public:
    static constexpr std::size_t kMostLinks = 6;  // static-delivery §8

    explicit Gathering(http::Counters& counters) : counters_(counters) {}

    // At most kMostLinks, the font first, the modules nearest to the page before theirs. Only what exists, as what it is used
    // for, and what the page's own markup does not say. Blocks: on the work pool. Empty when anything about the page is in doubt.
    HintList hints_of(catalogue::Catalogue& catalogue, const catalogue::Source& page, const config::Hints& limits,
                      SteadyTime now);

private:
    class Visit;

    // Facts of contents, by their hash: a style sheet that all pages share is read once.
    representations::RecentContents<std::shared_ptr<const Stylesheet>> sheets_{200, std::chrono::hours(1)};
    representations::RecentContents<std::shared_ptr<const std::vector<std::string>>> imports_{2'000, std::chrono::hours(1)};
    http::Counters& counters_;
};

}  // namespace selvage::hints
