#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "base/digest.h"
#include "base/time.h"
#include "config/config.h"
#include "server/catalogue/catalogue.h"
#include "server/hints/link.h"
#include "server/http/counters.h"
#include "server/http/message.h"
#include "server/loop/work_pool.h"

namespace selvage::hints {

// What was gathered for a page. Deeply const.
struct HintSet {
    std::uint64_t version = 0;  // of what is in it; 0: nothing is
    HintList list;
};
using HintSetPtr = std::shared_ptr<const HintSet>;

// The hints of one page as it is. Thread-safe.
class PageHints {
public:
    HintSetPtr current() const {  // never null
        const std::lock_guard lock(mutex_);
        return set_;
    }

private:
    friend class Hints;
    void put(HintList list, std::uint64_t changes);

    std::weak_ptr<const catalogue::Catalogue> site_;  // another may have its address later
    std::atomic<std::uint64_t> version_{0};
    std::atomic<std::uint64_t> as_of_{~std::uint64_t{0}};  // the catalogue's changes
    std::atomic<SteadyTime::rep> next_look_{0};
    mutable std::mutex mutex_;
    HintSetPtr set_ = std::make_shared<const HintSet>();
};
using PageHintsPtr = std::shared_ptr<PageHints>;

// What a request is for decides whether it is told: not what a script fetches or a page embeds. Not knowing counts as a
// navigation. There is no Vary on it: who gets a cached answer of the other kind has some hints too few or too many, never a
// wrong page, and caches would keep each page twice. Source: Fetch Metadata §2.1.
inline bool wants_hints(const http::Request& request) {
    const std::string_view destination = request.field("sec-fetch-dest");
    return destination.empty() || destination == "document" || destination == "iframe" || destination == "frame";
}

// The hints of pages, gathered in the background: a request never waits for them. One per process, thread-safe.
class Hints {
public:
    Hints(loop::WorkPool& pool, http::Counters& counters);

    // For who keeps it: the same for each request for this page. Null: no page.
    PageHintsPtr of(const std::shared_ptr<catalogue::Catalogue>& catalogue, const catalogue::Source& source,
                    const config::Hints& limits);

    // What the page's hints are now; 0: none, or none yet. Another number when they are others. When files of the site have
    // changed since they were gathered, they are gathered anew, at most once per second and one page at a time.
    std::uint64_t version(const PageHintsPtr& page, const std::shared_ptr<catalogue::Catalogue>& catalogue,
                          const catalogue::SourcePtr& source, const config::Hints& limits, SteadyTime now) {
        // First: what is gathered from now on is for the next request.
        const std::uint64_t version = page->version_.load(std::memory_order_acquire);
        if (page->as_of_.load(std::memory_order_acquire) != catalogue->changes())
            look_again(page, catalogue, source, limits, now);
        return version;
    }

private:
    static constexpr std::size_t kMostPages = 10'000;  // about 1 KiB each
    struct Work;

    void look_again(const PageHintsPtr& page, const std::shared_ptr<catalogue::Catalogue>& catalogue,
                    const catalogue::SourcePtr& source, const config::Hints& limits, SteadyTime now);

    loop::WorkPool& pool_;
    const std::shared_ptr<Work> work_;  // tasks may outlive us
    std::mutex mutex_;
    std::unordered_map<Key128, PageHintsPtr> pages_;
};

}  // namespace selvage::hints
