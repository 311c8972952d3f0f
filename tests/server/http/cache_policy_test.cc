#include "server/http/cache_policy.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace selvage::http;
using namespace std::chrono_literals;

namespace {

constexpr auto kImmutable = "public, max-age=31536000, immutable";
constexpr auto kRevalidate = "public, max-age=0, must-revalidate";

CacheFacts facts_of(std::string_view path, std::uint16_t status = 200) {
    return {.path = path, .media_class = media_type_of(path).media_class, .status = status};
}
std::string policy(std::string_view path) { return cache_control(facts_of(path), nullptr); }

}  // namespace

SCENARIO("without a rule, the kind of file decides how long it is kept") {  // static-delivery §1
    CHECK(policy("/index.html") == kRevalidate);
    CHECK(policy("/about") == kRevalidate);
    CHECK(policy("/app.js") == kRevalidate);
    CHECK(policy("/app.css") == kRevalidate);
    CHECK(policy("/sw.js") == kRevalidate);
    CHECK(policy("/site.webmanifest") == kRevalidate);
    CHECK(policy("/robots.txt") == kRevalidate);
    CHECK(policy("/sitemap-2.xml") == kRevalidate);
    CHECK(policy("/version.json") == kRevalidate);
    CHECK(policy("/fonts/inter.woff2") == "public, max-age=604800, stale-while-revalidate=2592000");
    CHECK(policy("/a.jpg") == "public, max-age=86400, stale-while-revalidate=604800");
    CHECK(policy("/a.mp3") == "public, max-age=86400, stale-while-revalidate=604800");
    CHECK(policy("/a.mp4") == "public, max-age=86400, stale-while-revalidate=604800");
    CHECK(policy("/seg.ts") == "public, max-age=86400, stale-while-revalidate=604800");
    CHECK(policy("/favicon.ico") == "public, max-age=86400");
    CHECK(policy("/apple-touch-icon.png") == "public, max-age=86400");
    CHECK(policy("/live.m3u8") == "public, max-age=2");
    CHECK(policy("/live.mpd") == "public, max-age=2");
}

SCENARIO("a site may let browsers keep its pages for a while") {  // site.page_deltas
    const auto kept = [](std::string_view path, const config::Rule* rule = nullptr) {
        CacheFacts facts = facts_of(path);
        facts.page_life = 300s;
        return cache_control(facts, rule);
    };
    CHECK(kept("/index.html") == "public, max-age=300, must-revalidate");
    CHECK(kept("/app.js") == kRevalidate);
    CHECK(kept("/robots.txt") == kRevalidate);
    THEN("a rule has the last word") {
        const config::Rule rule{.match = "/**", .browser_ttl = 60s};
        CHECK(kept("/index.html", &rule) == "public, max-age=60");
    }
}

SCENARIO("what names its content never changes") {
    CacheFacts facts = facts_of("/assets/index-BUEnrBbk.js");
    facts.fingerprinted = true;
    CHECK(cache_control(facts, nullptr) == kImmutable);
    CacheFacts variant = facts_of("/cat.jpg");
    variant.verified = true;
    CHECK(cache_control(variant, nullptr) == kImmutable);
}

SCENARIO("errors live shortly or not at all") {
    CHECK(cache_control(facts_of("/x.jpg", 404), nullptr) == "public, max-age=10");
    CHECK(cache_control(facts_of("/x.jpg", 410), nullptr) == "public, max-age=10");
    CHECK(cache_control(facts_of("/x.jpg", 400), nullptr) == "no-store");
    CHECK(cache_control(facts_of("/x.jpg", 503), nullptr) == "no-store");
    CacheFacts missing_hash = facts_of("/assets/index-BUEnrBbk.js", 404);
    missing_hash.fingerprinted = true;
    CHECK(cache_control(missing_hash, nullptr) == "no-store");
}

SCENARIO("a rule wins over the default") {
    config::Rule rule{.match = "/**", .browser_ttl = 1h, .edge_ttl = {}, .bypass = false, .headers = {}};
    CacheFacts hashed = facts_of("/assets/index-BUEnrBbk.js");
    hashed.fingerprinted = true;
    CHECK(cache_control(hashed, &rule) == "public, max-age=3600");
    rule.edge_ttl = 2h;
    CHECK(cache_control(facts_of("/a.mp4"), &rule) == "public, max-age=3600, s-maxage=7200");
    rule.browser_ttl = 0s;
    CHECK(cache_control(facts_of("/a.mp4"), &rule) == "public, max-age=0, must-revalidate, s-maxage=7200");
    rule.browser_ttl.reset();
    CHECK(cache_control(facts_of("/index.html"), &rule) == "public, max-age=0, must-revalidate, s-maxage=7200");
    THEN("but an error is not kept for an hour because of it") {
        rule.browser_ttl = 1h;
        CHECK(cache_control(facts_of("/x", 404), &rule) == "public, max-age=10");
        CHECK(cache_control(facts_of("/x", 500), &rule) == "no-store");
    }
    THEN("and bypass is never stored") {
        rule.bypass = true;
        CHECK(cache_control(hashed, &rule) == "no-store");
        CHECK(cache_control(facts_of("/x", 404), &rule) == "no-store");
    }
}
