#include "server/catalogues.h"

#include <fmt/format.h>

#include <algorithm>

namespace selvage::server {

Result<std::shared_ptr<catalogue::Catalogue>> Catalogues::open(const config::Site& site, const config::Config& config) {
    const catalogue::Options options{.memory_file = config.limits.memory_file,
                                     .entries = config.limits.catalogue_entries,
                                     .follow_symlinks = site.follow_symlinks};
    std::string key = fmt::format("{}|{}|{}|{}", site.root, options.follow_symlinks, options.memory_file, options.entries);
    const std::lock_guard lock(mutex_);
    for (const Opened& opened : opened_) {
        if (opened.key == key) return opened.catalogue;
    }
    auto catalogue = TRY(catalogue::open_catalogue(site.root, options, log_));
    opened_.push_back({std::move(key), catalogue, nullptr});
    return catalogue;
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
}

}  // namespace selvage::server
