// The heads of image variants; see image_variant.h.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>

#include "base/ascii.h"
#include "base/fields.h"
#include "server/handlers/answering.h"
#include "server/handlers/image_variant.h"
#include "server/http/cache_policy.h"

namespace selvage::handlers {

namespace {

using transforms::Format;

// RFC 5861 leaves to the server how what is stale is marked. A client that keeps it for any time would show the old picture when
// the new one has long been there; one that asks again with its entity tag is told whether it is there yet.
constexpr std::string_view kStaleLife = "max-age=0, must-revalidate";
// image-urls §1.6: what is better is there within a minute, as a rule.
constexpr std::chrono::seconds kInterimAge{60};
constexpr std::string_view kInterimLife = "max-age=60, stale-while-revalidate=600";

std::string_view cache_control_of(const config::Rule& rule) {
    const auto own =
        std::ranges::find_if(rule.headers, [](const auto& field) { return equals_ignoring_case(field.first, "cache-control"); });
    return own != rule.headers.end() ? std::string_view(own->second) : std::string_view();
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// The longest time that a Cache-Control allows anybody to keep a response; without a number: for ever.
std::chrono::seconds longest_age(std::string_view value) {
    constexpr std::string_view kAge = "age=";  // of max-age and s-maxage
    std::int64_t longest = -1;
    for (auto at = value.find(kAge); at != std::string_view::npos; at = value.find(kAge, at + 1)) {
        std::int64_t seconds = 0;
        const auto read = std::from_chars(value.data() + at + kAge.size(), value.data() + value.size(), seconds);
        if (read.ec != std::errc()) return std::chrono::seconds::max();
        longest = std::max(longest, seconds);
    }
    return longest < 0 ? std::chrono::seconds::max() : std::chrono::seconds(longest);
}

// Is what the rule says at least as short as what we would say?
bool is_short(const config::Rule& rule, Life life) {
    const std::string_view own = cache_control_of(rule);
    if (contains(own, "no-store") || contains(own, "no-cache")) return true;
    if (life == Life::Stale) return false;
    if (!own.empty()) return longest_age(own) <= kInterimAge;
    return rule.browser_ttl && std::max(*rule.browser_ttl, rule.edge_ttl.value_or(std::chrono::seconds(0))) <= kInterimAge;
}

std::string lasting_life(const ImageHeadFacts& of) {
    // The client asks for a version that this is not: it may be a deploy under way (image-urls §1.2, `v`).
    if (of.other_version && !of.located.bypass()) return "no-cache";
    return http::cache_control({.path = of.variant.source->path,
                                .media_class = http::MediaClass::Image,
                                .fingerprinted = of.variant.source->fingerprinted,
                                .verified = of.verified,
                                .status = 200},
                               of.located.rule);
}

std::string cache_control(const ImageHeadFacts& of) {
    const config::Rule* rule = of.located.rule;
    if (of.life == Life::Policy || of.located.bypass()) return lasting_life(of);
    const std::string_view own = rule ? cache_control_of(*rule) : std::string_view();
    if (rule && is_short(*rule, of.life)) return own.empty() ? lasting_life(of) : std::string(own);
    if (of.life == Life::Interim && of.other_version) return lasting_life(of);
    return fmt::format("{}, {}", contains(own, "private") ? "private" : "public",
                       of.life == Life::Stale ? kStaleLife : kInterimLife);
}

// A rule's own fields hold for what is stale or interim too, but not the lifetimes among them: Cache-Control, CDN-Cache-Control
// (RFC 9213), Expires, Surrogate-Control.
config::Rule without_lifetimes(const config::Rule& rule) {
    config::Rule without = rule;
    std::erase_if(without.headers, [](const auto& field) {
        std::string name = field.first;
        std::ranges::transform(name, name.begin(), to_lower);
        return name.ends_with("cache-control") || name == "expires" || name == "surrogate-control";
    });
    return without;
}

// image-urls §1.6: "hit;src=2400x1600;out=640x427;fm=webp;q=75", and the score when it was measured.
std::string description(const ImageHeadFacts& of) {
    const representations::Facts& facts = of.facts;
    const transforms::Order& order = of.variant.order;
    if (of.guarded) {
        const transforms::Probe& probe = *of.variant.source->image;
        return fmt::format("{0};src={1}x{2};out={1}x{2};fm={3}", image_word(of), probe.width, probe.height,
                           transforms::row_of(probe.format).name);
    }
    std::string text = fmt::format("{};src={}x{};out={}x{};fm={}", image_word(of), facts.source_width, facts.source_height,
                                   facts.width, facts.height, transforms::row_of(order.format).name);
    const unsigned quality = facts.quality != 0 ? facts.quality : order.quality;
    if (quality != 0) text += fmt::format(";q={}", quality);
    if (facts.score != 0) text += fmt::format(";score={}.{:02}", facts.score / 100, facts.score % 100);
    return text;
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

std::string_view image_word(const ImageHeadFacts& of) {
    if (of.life == Life::Stale) return "stale";
    if (of.guarded) return "guard";
    if (of.variant.stands_in) return "fallback";
    if (of.life == Life::Interim) return "upgrade";
    switch (of.verdict) {
        case http::Verdict::Miss:
        case http::Verdict::Bypass:
            return "miss";
        case http::Verdict::Coalesced:
            return "coalesced";
        case http::Verdict::None:
        case http::Verdict::Hit:
        case http::Verdict::DiskHit:
        case http::Verdict::Stale:
        case http::Verdict::Interim:
            break;
    }
    return "hit";
}

HeadCache::Heads build_image_heads(const ImageHeadFacts& of) {
    const catalogue::Source& source = *of.variant.source;
    const config::Rule* rule = of.located.rule;
    const transforms::Order& order = of.variant.order;
    http::Head::Fields fields{
        {"content-type", of.facts.media_type},
        {"cache-control", cache_control(of)},
        {"etag", fmt::format("\"{}\"", of.facts.etag)},
        {"last-modified", source.last_modified},
        {"accept-ranges", "bytes"},
    };
    if (order.plan.auto_format) fields.emplace_back("vary", "Accept");
    fields.emplace_back("x-content-type-options", "nosniff");
    fields.emplace_back("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox");
    fields.emplace_back("content-disposition", disposition(source.path, of.guarded ? source.image->format : order.format));
    fields.emplace_back("x-img", description(of));
    if (of.life == Life::Policy || !rule) return finish_heads(std::move(fields), rule);
    const config::Rule without = without_lifetimes(*rule);
    return finish_heads(std::move(fields), &without);
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
