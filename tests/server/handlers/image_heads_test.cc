#include <catch2/catch.hpp>

#include <string>

#include "server/handlers/image_variant.h"

using namespace selvage;
using namespace selvage::handlers;
using http::Verdict;

namespace {

constexpr const char* kMinute = "public, max-age=60, stale-while-revalidate=600";
constexpr const char* kDay = "public, max-age=86400, stale-while-revalidate=604800";
constexpr const char* kForEver = "public, max-age=31536000, immutable";

// A variant of a photograph as it is sent; tests change what matters to them.
struct Sent {
    Sent() {
        auto source = std::make_shared<catalogue::Source>();
        source->path = "/photos/cat.jpg";
        source->image = transforms::Probe{.format = transforms::Format::Jpeg, .width = 2400, .height = 1600};
        variant.source = std::move(source);
        variant.order = {.plan = {}, .format = transforms::Format::Avif, .quality = 55};
    }

    HeadCache::Heads heads() {
        located.rule = &rule;
        return build_image_heads({.located = located,
                                  .variant = variant,
                                  .facts = facts,
                                  .guarded = guarded,
                                  .verified = verified,
                                  .other_version = other_version,
                                  .life = life,
                                  .verdict = verdict});
    }
    std::string field(std::string_view name) { return std::string(heads().full->field(name)); }
    std::string lifetime() { return field("cache-control"); }
    std::string x_img() { return field("x-img"); }

    Located located;
    config::Rule rule;
    Variant variant;
    representations::Facts facts{.media_type = "image/avif",
                                 .etag = "tag",
                                 .width = 640,
                                 .height = 427,
                                 .source_width = 2400,
                                 .source_height = 1600,
                                 .made_for = {}};
    bool guarded = false, verified = false, other_version = false;
    Life life = Life::Policy;
    Verdict verdict = Verdict::Hit;
};

}  // namespace

SCENARIO("X-Img says how an image was served, and what it is") {  // image-urls §1.6
    Sent sent;
    CHECK(sent.x_img() == "hit;src=2400x1600;out=640x427;fm=avif;q=55");
    THEN("made now, or for another at the same time") {
        sent.verdict = Verdict::Miss;
        CHECK(sent.x_img().starts_with("miss;"));
        sent.verdict = Verdict::Coalesced;
        CHECK(sent.x_img().starts_with("coalesced;"));
    }
    THEN("fast, and to be made again") {
        sent.life = Life::Interim;
        CHECK(sent.x_img().starts_with("upgrade;"));
        AND_THEN("in another format for now") {
            sent.variant.stands_in = true;
            CHECK(sent.x_img().starts_with("fallback;"));
        }
    }
    THEN("of a file that has changed since") {
        sent.life = Life::Stale;
        CHECK(sent.x_img().starts_with("stale;"));
    }
    THEN("the file itself, which was smaller") {
        sent.guarded = true;
        CHECK(sent.x_img() == "guard;src=2400x1600;out=2400x1600;fm=jpeg");
    }
    THEN("the quality that was found for a target, and the score") {
        sent.facts.quality = 61;
        sent.facts.score = 7'905;
        CHECK(sent.x_img() == "hit;src=2400x1600;out=640x427;fm=avif;q=61;score=79.05");
    }
    THEN("no quality where a format has none") {
        sent.variant.order = {.plan = {}, .format = transforms::Format::Png};
        CHECK(sent.x_img() == "hit;src=2400x1600;out=640x427;fm=png");
    }
}

SCENARIO("how long a client may keep an image") {  // image-urls §1.6
    Sent sent;
    THEN("a day; for ever when the URL names the content") {
        CHECK(sent.lifetime() == kDay);
        sent.verified = true;
        CHECK(sent.lifetime() == kForEver);
    }
    THEN("a minute, when a better one is to come; whatever the URL names") {
        sent.life = Life::Interim;
        CHECK(sent.lifetime() == kMinute);
        sent.verified = true;
        CHECK(sent.lifetime() == kMinute);
    }
    THEN("not at all, when the URL names another content") {
        sent.other_version = true;
        CHECK(sent.lifetime() == "no-cache");
        sent.life = Life::Interim;
        CHECK(sent.lifetime() == "no-cache");
    }
}

SCENARIO("a rule's lifetimes do not make a temporary image last") {
    Sent sent;
    sent.life = Life::Interim;
    THEN("a long one becomes a minute") {
        sent.rule.browser_ttl = std::chrono::seconds(86'400);
        CHECK(sent.lifetime() == kMinute);
        sent.rule.headers = {{"Cache-Control", "public, max-age=31536000"}, {"CDN-Cache-Control", "max-age=9"}, {"X-Own", "yes"}};
        CHECK(sent.lifetime() == kMinute);
        CHECK(sent.field("cdn-cache-control").empty());
        CHECK(sent.field("x-own") == "yes");
    }
    THEN("a shorter one stays") {
        sent.rule.browser_ttl = std::chrono::seconds(5);
        CHECK(sent.lifetime() == "public, max-age=5");
        sent.rule.edge_ttl = std::chrono::seconds(3'600);
        CHECK(sent.lifetime() == kMinute);
        sent.rule.headers = {{"cache-control", "max-age=10"}};
        CHECK(sent.lifetime() == "max-age=10");
    }
    THEN("what nobody but the client may keep, nobody else may keep for a minute") {
        sent.rule.headers = {{"Cache-Control", "private, max-age=3600"}};
        CHECK(sent.lifetime() == "private, max-age=60, stale-while-revalidate=600");
    }
    THEN("what is not to be kept is not kept, at no place") {
        sent.rule.headers = {{"Cache-Control", "no-store"}, {"CDN-Cache-Control", "max-age=31536000"}};
        CHECK(sent.lifetime() == "no-store");
        CHECK(sent.field("cdn-cache-control").empty());
        sent.rule = {};
        sent.rule.bypass = true;
        CHECK(sent.lifetime() == "no-store");
    }
}

TEST_CASE("what does not come is asked for less and less often") {
    Patience patience;
    const SteadyTime start{std::chrono::hours(1)};
    int asked = 0;
    for (int second = 0; second < 3'600; ++second) asked += patience.ends(start + std::chrono::seconds(second)) ? 1 : 0;
    CHECK(asked == 15);  // at 0, 1, 3, 7 … 511, 1023, then each ten minutes
}
