#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "server/catalogue/catalogue.h"
#include "transforms/dialects/canonical.h"
#include "transforms/negotiation.h"

namespace selvage::server {

// One site of a configuration, with what was opened for it.
struct Site {
    const config::Site* settings = nullptr;  // within the snapshot's configuration
    std::shared_ptr<catalogue::Catalogue> catalogue;
    transforms::DialectLimits dialect;
    transforms::AutoFormats auto_formats;
    transforms::DefaultQuality quality;

    // The first rule whose glob matches the normalised path; null: the built-in policy alone.
    const config::Rule* rule_for(std::string_view path) const;
};

// Everything that follows from one configuration. Immutable; a request holds the one it began with.
struct Snapshot {
    config::ConfigPtr config;
    std::vector<Site> sites;
    std::uint64_t generation = 0;  // unique in the process

    // By the request's authority (host[:port]); exact names first, then "*.example.org" (the longest), then "*". Null: none.
    const Site* find(std::string_view authority) const;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

// Opens (or finds again) the catalogue of a root.
using OpenCatalogue = std::function<Result<std::shared_ptr<catalogue::Catalogue>>(const config::Site&, const config::Config&)>;

// Errors: those of `open`. Blocks on the disk a little.
Result<SnapshotPtr> make_snapshot(config::ConfigPtr config, std::uint64_t generation, const OpenCatalogue& open);

}  // namespace selvage::server
