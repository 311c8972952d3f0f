#include "server/http/cache_policy.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace selvage::http {
namespace {

constexpr std::string_view kImmutable = "public, max-age=31536000, immutable";
constexpr std::string_view kRevalidate = "public, max-age=0, must-revalidate";
constexpr std::string_view kDay = "public, max-age=86400";

bool at_root(std::string_view path) { return path.rfind('/') == 0; }
std::string_view name_of_file(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// What browsers and crawlers ask for by a fixed name and must see change at once.
bool is_well_known_entry(std::string_view path, std::string_view name) {
    if (name == "sw.js" || name == "service-worker.js" || name == "robots.txt") return true;
    if (name.starts_with("sitemap") && (name.ends_with(".xml") || name.ends_with(".xml.gz") || name.ends_with(".txt")))
        return true;
    return at_root(path) && name.ends_with(".json");
}

bool is_site_icon(std::string_view name) { return name.starts_with("favicon") || name.starts_with("apple-touch-icon"); }

// A row of the table of static-delivery §1.
struct Preset {
    std::string value;
    std::string_view why;
};

Preset page_kept_for(std::chrono::seconds life) {
    return {fmt::format("public, max-age={}, must-revalidate", life.count()), "a page: as long as site.page_deltas says"};
}

Preset by_class(MediaClass media_class) {
    switch (media_class) {
        case MediaClass::Font:
            return {"public, max-age=604800, stale-while-revalidate=2592000", "a font: a week"};
        case MediaClass::Image:
        case MediaClass::Audio:
        case MediaClass::Video:
            return {"public, max-age=86400, stale-while-revalidate=604800", "an image, audio or video: a day"};
        case MediaClass::Playlist:
            return {"public, max-age=2", "a playlist: its segments become more while it is played"};
        case MediaClass::Html:
            return {std::string(kRevalidate), "a page: it must be seen to change at once"};
        case MediaClass::Script:
        case MediaClass::Style:
            return {std::string(kRevalidate), "a script or stylesheet whose name says nothing about its content"};
        // Unsure is never long: what the table of static-delivery §1 does not name is revalidated, which costs a 304.
        case MediaClass::Manifest:
        case MediaClass::Data:
        case MediaClass::Document:
        case MediaClass::Archive:
        case MediaClass::Other:
            break;
    }
    return {std::string(kRevalidate), "nothing is known about how long it stays as it is: asking again costs a 304"};
}

Preset by_default(const CacheFacts& facts) {
    if (facts.fingerprinted) return {std::string(kImmutable), "the name changes with the content"};
    if (facts.verified) return {std::string(kImmutable), "v= names this content"};
    const std::string_view name = name_of_file(facts.path);
    if (is_well_known_entry(facts.path, name)) return {std::string(kRevalidate), "browsers and crawlers ask for it by this name"};
    if (facts.media_class == MediaClass::Image && is_site_icon(name)) return {std::string(kDay), "an icon of the site: a day"};
    if (facts.media_class == MediaClass::Html && facts.page_life.count() > 0) return page_kept_for(facts.page_life);
    return by_class(facts.media_class);
}

Preset for_error(const CacheFacts& facts) {
    const bool missing = facts.status == 404 || facts.status == 410;
    if (!missing) return {"no-store", "an error"};
    if (facts.fingerprinted) return {"no-store", "a fingerprinted file that is not there may be on its way"};
    return {"public, max-age=10", "what is not there may come"};
}

std::string with_lifetimes(std::string value, const config::Rule& rule) {
    if (rule.browser_ttl) {
        value.assign("public, max-age=").append(std::to_string(rule.browser_ttl->count()));
        if (rule.browser_ttl->count() == 0) value += ", must-revalidate";
    }
    if (rule.edge_ttl) value.append(", s-maxage=").append(std::to_string(rule.edge_ttl->count()));
    return value;
}

}  // namespace

std::string cache_control(const CacheFacts& facts, const config::Rule* rule) {
    if (rule != nullptr && rule->bypass) return "no-store";
    if (facts.status >= 400) return for_error(facts).value;
    std::string value = by_default(facts).value;
    return rule != nullptr ? with_lifetimes(std::move(value), *rule) : value;
}

std::vector<std::string> why_cache_control(const CacheFacts& facts, const config::Rule* rule) {
    if (rule != nullptr && rule->bypass) return {"no-store: the rule's bypass"};
    if (facts.status >= 400) return {std::string(for_error(facts).why)};
    const Preset preset = by_default(facts);
    if (rule == nullptr || (!rule->browser_ttl && !rule->edge_ttl)) return {std::string(preset.why)};
    std::vector<std::string> why;
    if (rule->browser_ttl) {
        why.push_back(fmt::format("max-age: the rule's browser_ttl, in place of \"{}\" ({})", preset.value, preset.why));
    } else {
        why.emplace_back(preset.why);
    }
    if (rule->edge_ttl) why.emplace_back("s-maxage: the rule's edge_ttl");
    return why;
}

}  // namespace selvage::http
