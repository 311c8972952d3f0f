#include "server/http/cache_policy.h"

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

std::string_view by_class(MediaClass media_class) {
    switch (media_class) {
        case MediaClass::Font:
            return "public, max-age=604800, stale-while-revalidate=2592000";
        case MediaClass::Image:
        case MediaClass::Audio:
        case MediaClass::Video:
            return "public, max-age=86400, stale-while-revalidate=604800";
        case MediaClass::Playlist:
            return "public, max-age=2";
        // Unsure is never long: what the table of static-delivery §1 does not name is revalidated, which costs a 304.
        case MediaClass::Html:
        case MediaClass::Script:
        case MediaClass::Style:
        case MediaClass::Manifest:
        case MediaClass::Data:
        case MediaClass::Document:
        case MediaClass::Archive:
        case MediaClass::Other:
            return kRevalidate;
    }
    return kRevalidate;
}

std::string_view by_default(const CacheFacts& facts) {
    if (facts.fingerprinted || facts.verified) return kImmutable;
    const std::string_view name = name_of_file(facts.path);
    if (is_well_known_entry(facts.path, name)) return kRevalidate;
    if (facts.media_class == MediaClass::Image && is_site_icon(name)) return kDay;
    return by_class(facts.media_class);
}

std::string_view for_error(const CacheFacts& facts) {
    const bool missing = facts.status == 404 || facts.status == 410;
    return missing && !facts.fingerprinted ? "public, max-age=10" : "no-store";
}

std::string with_lifetimes(std::string_view preset, const config::Rule& rule) {
    std::string value(preset);
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
    if (facts.status >= 400) return std::string(for_error(facts));
    const std::string_view preset = by_default(facts);
    return rule != nullptr ? with_lifetimes(preset, *rule) : std::string(preset);
}

}  // namespace selvage::http
