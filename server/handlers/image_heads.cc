// The heads of image variants; see image_variant.h.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/ascii.h"
#include "server/handlers/answering.h"
#include "server/handlers/image_variant.h"
#include "server/http/cache_policy.h"

namespace selvage::handlers {

namespace {

using transforms::Format;

// RFC 5861 leaves to the server how what is stale is marked. A client that keeps it for any time would show the old picture when
// the new one has long been there; one that asks again with its entity tag is told whether it is there yet.
constexpr std::string_view kShortLife = "public, max-age=0, must-revalidate";

std::string cache_control(const ImageHeadFacts& of) {
    if (of.life == Life::Short) return std::string(kShortLife);
    // The client asks for a version that this is not: it may be a deploy under way (image-urls §1.2, `v`).
    if (of.other_version && !of.located.bypass()) return "no-cache";
    return http::cache_control({.path = of.variant.source->path,
                                .media_class = http::MediaClass::Image,
                                .fingerprinted = of.variant.source->fingerprinted,
                                .verified = of.verified,
                                .status = 200},
                               of.located.rule);
}

// A rule's own fields hold for what is stale too, but not the lifetimes among them: Cache-Control, CDN-Cache-Control (RFC 9213),
// Expires, Surrogate-Control.
config::Rule without_lifetimes(const config::Rule& rule) {
    config::Rule without = rule;
    std::erase_if(without.headers, [](const auto& field) {
        std::string name = field.first;
        std::ranges::transform(name, name.begin(), to_lower);
        return name.ends_with("cache-control") || name == "expires" || name == "surrogate-control";
    });
    return without;
}

std::string description(const Variant& variant, const representations::Facts& facts) {
    return fmt::format("src={}x{};out={}x{};fm={};q={}", facts.source_width, facts.source_height, facts.width, facts.height,
                       transforms::row_of(variant.format).name, variant.quality);
}

// `inline; filename="cat.webp"`: the name that "save as" proposes. Other than plain characters would need RFC 8187.
std::string disposition(std::string_view path, Format format) {
    std::string_view name = path.substr(path.rfind('/') + 1);
    name = name.substr(0, name.rfind('.'));
    const bool plain = !name.empty() && std::ranges::all_of(name, [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == ' ';
    });
    return fmt::format("inline; filename=\"{}.{}\"", plain ? name : "image", transforms::row_of(format).extension);
}

}  // namespace

HeadCache::Heads build_image_heads(const ImageHeadFacts& of) {
    const catalogue::Source& source = *of.variant.source;
    http::Head::Fields fields;
    fields.emplace_back("content-type", of.facts.media_type);
    fields.emplace_back("cache-control", cache_control(of));
    fields.emplace_back("etag", fmt::format("\"{}\"", of.facts.etag));
    fields.emplace_back("last-modified", source.last_modified);
    fields.emplace_back("accept-ranges", "bytes");
    if (of.plan.auto_format) fields.emplace_back("vary", "Accept");
    fields.emplace_back("x-content-type-options", "nosniff");
    fields.emplace_back("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox");
    fields.emplace_back("content-disposition", disposition(source.path, of.guarded ? source.image->format : of.variant.format));
    fields.emplace_back("x-img", of.guarded ? std::string("guard") : description(of.variant, of.facts));
    if (of.life == Life::Policy || !of.located.rule) return finish_heads(std::move(fields), of.located.rule);
    const config::Rule rule = without_lifetimes(*of.located.rule);
    return finish_heads(std::move(fields), &rule);
}

// Raw bytes of a URL: only plain ones are repeated.
std::string image_notes(const std::vector<std::string>& ignored_keys) {
    constexpr std::size_t kMost = 200;
    if (ignored_keys.empty()) return {};
    std::string text = "ignored: ";
    for (const std::string& key : ignored_keys) {
        if (&key != &ignored_keys.front()) text += ", ";
        for (const char c : key) text += is_alphanumeric(c) || c == '-' || c == '_' ? c : '?';
        if (text.size() > kMost) break;
    }
    return text.substr(0, kMost);
}

}  // namespace selvage::handlers
