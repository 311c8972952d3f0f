#include "server/site.h"

#include "base/fields.h"
#include "base/url.h"

namespace selvage::server {

namespace {

std::string_view host_of(std::string_view authority) {
    if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
    std::string_view host = authority.substr(0, authority.find(':'));
    if (host.ends_with('.')) host.remove_suffix(1);
    return host;
}

// How well a pattern fits: 0 not at all, 1 for "*", more for the longer wildcard, most for the exact name.
std::size_t fit(std::string_view pattern, std::string_view host) {
    if (pattern == "*") return 1;
    if (pattern.starts_with("*.")) {
        const std::string_view suffix = pattern.substr(1);
        const bool below = host.size() > suffix.size() && equals_ignoring_case(host.substr(host.size() - suffix.size()), suffix);
        return below ? 1 + suffix.size() : 0;
    }
    return equals_ignoring_case(pattern, host) ? 1'000 : 0;
}

Result<Site> make_site(const config::Config& config, const config::Site& settings, const OpenCatalogue& open) {
    Site site;
    site.settings = &settings;
    site.catalogue = TRY(open(settings, config));
    site.dialect = {.max_side = config.image.output_side,
                    .max_dpr = config.image.dpr,
                    .max_query = config.image.query_bytes,
                    .max_params = config.image.query_params,
                    .strict = config.image.strict};
    for (const std::string& name : config.image.auto_formats) {
        if (const auto format = transforms::format_named(name)) site.auto_formats.formats.push_back(*format);
    }
    site.auto_formats.animated_avif = config.image.animated_avif;
    site.quality = {.jpeg = config.image.quality.jpeg, .webp = config.image.quality.webp, .avif = config.image.quality.avif};
    return site;
}

}  // namespace

const config::Rule* Site::rule_for(std::string_view path) const {
    for (const config::Rule& rule : settings->rules) {
        if (glob_match(rule.match, path)) return &rule;
    }
    return nullptr;
}

const Site* Snapshot::find(std::string_view authority) const {
    const std::string_view host = host_of(authority);
    const Site* best = nullptr;
    std::size_t best_fit = 0;
    for (const Site& site : sites) {
        for (const std::string& pattern : site.settings->hosts) {
            const std::size_t this_fit = fit(pattern, host);
            if (this_fit <= best_fit) continue;
            best = &site;
            best_fit = this_fit;
        }
    }
    return best;
}

Result<SnapshotPtr> make_snapshot(config::ConfigPtr config, std::uint64_t generation, const OpenCatalogue& open) {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->config = std::move(config);
    snapshot->generation = generation;
    for (const config::Site& settings : snapshot->config->sites) {
        snapshot->sites.push_back(TRY(make_site(*snapshot->config, settings, open)));
    }
    return snapshot;
}

}  // namespace selvage::server
