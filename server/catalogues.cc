#include "server/catalogues.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "server/handlers/answering.h"
#include "server/http/dictionary.h"
#include "server/http/media_types.h"

namespace selvage::server {
namespace {

constexpr std::chrono::hours kLong{24};  // static-delivery §5: what is fresh for so long may be a dictionary

releases::Limits release_limits(const config::Config& config) {
    constexpr std::chrono::minutes kOnTheWay{1};
    std::chrono::seconds pages{0};
    for (const config::Site& site : config.sites) pages = std::max(pages, site.page_deltas);
    return {.keep = config.releases.keep,
            .pages = pages.count() == 0 ? pages : pages + kOnTheWay,
            .builds = config.releases.builds,
            .records = config.limits.catalogue_entries};
}

// Is it a page that everybody may have? What others get must not be made of it otherwise.
bool is_page_of_interest(const Site& site, std::string_view path, const config::Rule* rule) {
    if (!site.settings->dictionary && site.settings->page_deltas.count() == 0) return false;
    if (http::media_type_of(path).media_class != http::MediaClass::Html) return false;
    return http::is_public(handlers::finish_heads({{"cache-control", "public, max-age=0"}}, rule).full->fields());
}

// What a site's rules say of a path's lifetime.
catalogue::Lifetime lifetime_of(const Site& site, std::string_view path) {
    using enum catalogue::Lifetime;
    const config::Rule* rule = site.rule_for(path);
    if (rule != nullptr && rule->bypass) return Short;
    if (rule != nullptr && rule->browser_ttl && *rule->browser_ttl >= kLong) return Long;
    return is_page_of_interest(site, path, rule) ? Page : ByName;
}

}  // namespace

Result<std::shared_ptr<catalogue::Catalogue>> Catalogues::open(const config::Site& site, const config::Config& config) {
    const catalogue::Options options{.memory_file = config.limits.memory_file,
                                     .entries = config.limits.catalogue_entries,
                                     .follow_symlinks = site.follow_symlinks};
    std::string key = fmt::format("{}|{}|{}|{}", site.root, options.follow_symlinks, options.memory_file, options.entries);
    const std::lock_guard lock(mutex_);
    for (const Opened& opened : opened_) {
        if (opened.key == key) return opened.catalogue;
    }
    auto ledger = ledger_of(site.root, config);
    auto catalogue = TRY(catalogue::open_catalogue(site.root, options, log_, {.ledger = ledger}));
    opened_.push_back({std::move(key), catalogue, std::move(ledger), nullptr});
    return catalogue;
}

// One per root, whatever the options are with which it is opened.
std::shared_ptr<releases::Ledger> Catalogues::ledger_of(const std::string& root, const config::Config& config) {
    for (const Opened& opened : opened_) {
        if (opened.ledger->root() == root) return opened.ledger;
    }
    if (!contents_) contents_ = std::make_shared<releases::Contents>(config.cache.path, config.releases.bytes, log_);
    auto ledger = std::make_shared<releases::Ledger>(config.cache.path, root, release_limits(config), contents_, log_);
    ledger->on_release([this, weak = std::weak_ptr(ledger)](const std::vector<releases::Seen>& fresh) {
        const auto history = weak.lock();
        if (history && on_release_) on_release_(history, fresh);
    });
    return ledger;
}

void Catalogues::adopt(const Snapshot& snapshot) {
    const std::lock_guard lock(mutex_);
    std::erase_if(opened_, [&snapshot](const Opened& opened) {
        return std::ranges::none_of(snapshot.sites, [&opened](const Site& site) { return site.catalogue == opened.catalogue; });
    });
    for (Opened& opened : opened_) {
        if (opened.watch || opened.catalogue->watch_descriptor() < 0) continue;
        catalogue::FolderCatalogue* catalogue = opened.catalogue.get();  // outlives the watch beside it
        opened.watch = std::make_unique<loop::Poll>(control_, catalogue->watch_descriptor(),
                                                    [catalogue] { catalogue->on_watch_readable(); });
    }
    if (contents_) contents_->set_most(snapshot.config->releases.bytes);
    for (const Opened& opened : opened_) opened.ledger->set_limits(release_limits(*snapshot.config));
    if (stopped_) return;
    if (!ingest_) ingest_ = std::make_unique<catalogue::Ingest>(log_);
    ingest_->set_roots(walked_roots(snapshot));
}

void Catalogues::stop() {
    stopped_ = true;
    ingest_.reset();
}

// Sites may share a folder: what is public on one of them is.
std::vector<catalogue::WalkedRoot> Catalogues::walked_roots(const Snapshot& snapshot) const {
    std::vector<catalogue::WalkedRoot> roots;
    if (snapshot.config->releases.bytes == 0) return roots;
    for (const Opened& opened : opened_) {
        std::vector<Site> sites;
        std::ranges::copy_if(snapshot.sites, std::back_inserter(sites),
                             [&opened](const Site& site) { return site.catalogue == opened.catalogue; });
        if (sites.empty()) continue;
        const auto any = [&sites](auto wants) { return std::ranges::any_of(sites, wants, &Site::settings); };
        const bool enabled = snapshot.config->dictionaries.enabled;
        const bool offer = enabled && any([](const config::Site* site) { return site->page_deltas.count() > 0; });
        const bool make = enabled && any([](const config::Site* site) { return site->dictionary; });
        roots.push_back({.catalogue = opened.catalogue,
                         .ledger = opened.ledger,
                         .lifetime =
                             [config = snapshot.config, sites = std::move(sites)](std::string_view path) {
                                 auto longest = catalogue::Lifetime::Short;
                                 for (const Site& site : sites) longest = std::max(longest, lifetime_of(site, path));
                                 return longest;
                             },
                         .offer_pages = offer,
                         .make_dictionary = make,
                         .entries = snapshot.config->limits.catalogue_entries});
    }
    return roots;
}

releases::Totals Catalogues::totals() const {
    const std::lock_guard lock(mutex_);
    releases::Totals totals;
    std::set<const releases::Ledger*> counted;  // catalogues of one root have one
    for (const Opened& opened : opened_) {
        const auto found = opened.catalogue->stats();
        totals.removed_found += found.removed;
        totals.half_as_before += found.half_as_before;
        totals.half_not_found += found.half_not_found;
        if (!counted.insert(opened.ledger.get()).second) continue;
        const auto known = opened.ledger->stats();
        totals.present += known.present;
        totals.gone += known.gone;
    }
    if (!contents_) return totals;
    const auto kept = contents_->stats();
    totals.copies = kept.files;
    totals.bytes = kept.bytes;
    totals.evicted = kept.evicted;
    totals.broken = kept.broken;
    totals.no_room = kept.no_room;
    return totals;
}

}  // namespace selvage::server
