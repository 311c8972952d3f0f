#include "server/hints/hints.h"

#include <algorithm>
#include <string>
#include <utility>

#include "server/hints/gathering.h"
#include "server/http/media_types.h"

namespace selvage::hints {

namespace {

constexpr auto kBetweenLooks = std::chrono::seconds(1);

std::string_view bytes_of(const std::uint64_t& number) { return {reinterpret_cast<const char*>(&number), sizeof number}; }

std::uint64_t version_of(const HintList& list) {
    if (list.empty()) return 0;
    std::string text;
    for (const Hint& hint : list) text += link_value(hint) + "\n";
    return std::max<std::uint64_t>(checksum64(text), 1);
}

}  // namespace

// One page at a time: a site that is new keeps one thread busy, not all.
struct Hints::Work {
    explicit Work(http::Counters& its_counters) : counters(its_counters), gathering(its_counters) {}

    void run(PageHints& page, catalogue::Catalogue& catalogue, const catalogue::Source& source, const config::Hints& limits) {
        const std::uint64_t changes = catalogue.changes();  // before it is asked for anything
        page.put(gathering.hints_of(catalogue, source, limits, std::chrono::steady_clock::now()), changes);
        busy.store(false, std::memory_order_release);
        counters.add(http::Counter::HintsGathered);  // who sees it counted may begin the next
    }

    http::Counters& counters;
    Gathering gathering;  // of who has `busy`
    std::atomic<bool> busy{false};
};

void PageHints::put(HintList list, std::uint64_t changes) {
    const std::uint64_t version = version_of(list);
    {
        auto set = std::make_shared<const HintSet>(HintSet{.version = version, .list = std::move(list)});
        const std::lock_guard lock(mutex_);
        set_ = std::move(set);
    }
    version_.store(version, std::memory_order_release);
    as_of_.store(changes, std::memory_order_release);
}

Hints::Hints(loop::WorkPool& pool, http::Counters& counters) : pool_(pool), work_(std::make_shared<Work>(counters)) {}

PageHintsPtr Hints::of(const std::shared_ptr<catalogue::Catalogue>& catalogue, const catalogue::Source& source,
                       const config::Hints& limits) {
    if (http::media_type_of(source.path).media_class != http::MediaClass::Html) return nullptr;
    const auto site = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(catalogue.get()));
    const std::uint64_t files = limits.files;
    const Key128 key =
        key_of({bytes_of(site), source.path, as_text(source.content), bytes_of(limits.file_bytes), bytes_of(files)});
    const std::lock_guard lock(mutex_);
    if (pages_.size() >= kMostPages) pages_.clear();  // rare; who has one keeps it
    PageHintsPtr& page = pages_[key];
    if (!page || page->site_.lock() != catalogue) {
        page = std::make_shared<PageHints>();
        page->site_ = catalogue;
    }
    return page;
}

void Hints::look_again(const PageHintsPtr& page, const std::shared_ptr<catalogue::Catalogue>& catalogue,
                       const catalogue::SourcePtr& source, const config::Hints& limits, SteadyTime now) {
    if (now.time_since_epoch().count() < page->next_look_.load(std::memory_order_relaxed)) return;
    if (pool_.full(loop::WorkPool::Lane::Now) || work_->busy.exchange(true, std::memory_order_acquire)) return;
    page->next_look_.store((now + kBetweenLooks).time_since_epoch().count(), std::memory_order_relaxed);
    pool_.detach(loop::WorkPool::Lane::Now,
                 [work = work_, page, catalogue, source, limits] { work->run(*page, *catalogue, *source, limits); });
}

}  // namespace selvage::hints
