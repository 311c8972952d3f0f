#include "server/purging.h"

#include <catch2/catch.hpp>

#include <map>
#include <memory>

#include "cache_store/purge/purge_table.h"

using namespace selvage;
using namespace selvage::server;
using cache_store::source_tag;
using cache_store::Tag;
using cache_store::tag_of;
using cache_store::TagKind;

namespace {

class FakeCatalogue final : public catalogue::Catalogue {
public:
    std::optional<catalogue::Finding> find(std::string_view, SteadyTime) override { return std::nullopt; }
    Result<catalogue::Entry> resolve(const std::string& path) override {
        REQUIRE(std::ranges::find(forgotten, path) != forgotten.end());  // what it remembered may be out of date
        const auto place = sources.find(path);
        return place == sources.end() ? catalogue::Entry(catalogue::Absent{}) : place->second;
    }
    Result<std::string> read(const catalogue::Source&) override { return std::string(); }
    void forget(const std::string& path) override { forgotten.push_back(path); }

    std::map<std::string, catalogue::SourcePtr> sources;
    std::vector<std::string> forgotten;
};

catalogue::SourcePtr source_of(std::string_view content) {
    auto source = std::make_shared<catalogue::Source>();
    source->content = sha256(content);
    return source;
}

struct House {
    House() {
        config::Config config;
        config.sites.resize(2);
        config.sites[0].hosts = {"shop.test", "www.shop.test", "*.shop.test"};
        config.sites[1].hosts = {"*"};
        const OpenCatalogue open = [this](const config::Site& site, const config::Config&) {
            return Result<std::shared_ptr<catalogue::Catalogue>>(site.hosts.size() == 3 ? shop : rest);
        };
        snapshot = *make_snapshot(std::make_shared<const config::Config>(config), 1, open);
        shop->sources["/cat.png"] = source_of("a cat");
        rest->sources["/cat.png"] = source_of("another cat");
    }
    cache_store::Purge purge(const admin::PurgeRequest& request) const {
        auto purge = purge_of(request, *snapshot);
        REQUIRE(purge);
        return *std::move(purge);
    }
    std::vector<Tag> tags(const admin::PurgeRequest& request) const { return purge(request).tags; }
    std::string why_not(const admin::PurgeRequest& request) const {
        const auto purge = purge_of(request, *snapshot);
        REQUIRE_FALSE(purge);
        CHECK(purge.error().kind == ErrorKind::Unprocessable);
        return purge.error().detail;
    }

    std::shared_ptr<FakeCatalogue> shop = std::make_shared<FakeCatalogue>(), rest = std::make_shared<FakeCatalogue>();
    SnapshotPtr snapshot;
};

std::vector<Tag> sorted(std::vector<Tag> tags) {
    std::ranges::sort(tags);
    return tags;
}
Tag url_tag(std::string_view site, std::string_view url) {
    return tag_of(TagKind::Url, std::string(site) + '\0' + std::string(url));
}
Tag prefix_tag(std::string_view site, std::string_view path) {
    return tag_of(TagKind::Prefix, std::string(site) + '\0' + std::string(path));
}

}  // namespace

SCENARIO("a URL is purged with all that was made of its file") {
    House house;
    const auto whole = sorted({url_tag("shop.test", "/cat.png"), source_tag(sha256("a cat"))});
    CHECK(house.tags({.urls = {"https://shop.test/cat.png"}}) == whole);
    CHECK(house.tags({.urls = {"http://WWW.shop.test:8443/cat.png#ears"}}) == whole);
    CHECK(house.tags({.urls = {"https://a.shop.test/x/../c%61t.png?"}}) == whole);
    CHECK(house.tags({.urls = {"https://shop.test/cat.png", "https://shop.test/cat.png"}}) == whole);
    CHECK(house.shop->forgotten.size() == 5);
    CHECK(house.rest->forgotten.empty());
    THEN("with a query it is that URL alone") {
        CHECK(house.tags({.urls = {"https://shop.test/cat.png?w=64"}}) == std::vector{url_tag("shop.test", "/cat.png?w=64")});
    }
    THEN("a path alone is of every site") {
        CHECK(house.tags({.urls = {"/cat.png"}}) == sorted({url_tag("shop.test", "/cat.png"), url_tag("*", "/cat.png"),
                                                            source_tag(sha256("a cat")), source_tag(sha256("another cat"))}));
    }
    THEN("what is not there any more may still be stored") {
        CHECK(house.tags({.urls = {"https://other.test"}}) == std::vector{url_tag("*", "/")});
    }
    THEN("an image that has replaced another takes what was made of that with it") {
        auto source = std::make_shared<catalogue::Source>(*house.shop->sources["/cat.png"]);
        source->predecessor = std::make_shared<const catalogue::Predecessor>(
            catalogue::Predecessor{.source = source_of("an older cat"), .replaced = {}});
        house.shop->sources["/cat.png"] = source;
        CHECK(house.tags({.urls = {"https://shop.test/cat.png"}}) ==
              sorted({url_tag("shop.test", "/cat.png"), source_tag(sha256("a cat")), source_tag(sha256("an older cat"))}));
    }
}

SCENARIO("prefixes, tags, globs, everything") {
    House house;
    CHECK(house.tags({.prefixes = {"https://shop.test/img/"}}) == std::vector{prefix_tag("shop.test", "/img/")});
    CHECK(house.tags({.prefixes = {"https://shop.test"}}) == std::vector{prefix_tag("shop.test", "/")});
    CHECK(house.tags({.prefixes = {"/img/"}}) == sorted({prefix_tag("shop.test", "/img/"), prefix_tag("*", "/img/")}));
    CHECK(house.tags({.tags = {"news"}}) == std::vector{tag_of(TagKind::Label, "news")});
    CHECK(house.purge({.globs = {"https://www.shop.test/img/*.png"}}).globs == std::vector<std::string>{"shop.test/img/*.png"});
    CHECK(house.purge({.globs = {"/img/?.png"}}).globs == std::vector<std::string>{"*/img/?.png"});
    CHECK(house.purge({.globs = {"**.png"}}).globs == std::vector<std::string>{"**.png"});
    CHECK_FALSE(house.purge({.tags = {"news"}}).everything);
    CHECK(house.purge({.all = true}).everything);
    CHECK(house.purge({.all = true}).effect == cache_store::Purge::Effect::Hard);
    CHECK(house.purge({.tags = {"a"}, .soft = true}).effect == cache_store::Purge::Effect::Soft);
}

TEST_CASE("a purge that means nothing is refused, and says which word it was") {
    using Catch::Contains;
    const House house;
    CHECK_THAT(house.why_not({.urls = {"cat.png"}}), Contains("\"cat.png\""));
    CHECK_THAT(house.why_not({.urls = {"ftp://shop.test/"}}), Contains("\"ftp://shop.test/\""));
    CHECK_THAT(house.why_not({.urls = {"https:///a"}}), Contains("\"https:///a\""));
    CHECK_THAT(house.why_not({.urls = {"/a%zz"}}), Contains("\"/a%zz\""));
    CHECK_THAT(house.why_not({.prefixes = {"/img"}}), Contains("ends with '/'"));
    CHECK_THAT(house.why_not({.prefixes = {"/img/?a"}}), Contains("no query"));
    CHECK_THAT(house.why_not({.globs = {"*.png"}}), Contains("\"*.png\""));
    CHECK_THAT(house.why_not({.globs = {"/" + std::string(2'000, 'a')}}), Contains("1024"));
    SECTION("a host that no site has") {
        House small;
        config::Config config;
        config.sites.resize(1);
        config.sites[0].hosts = {"shop.test"};
        small.snapshot =
            *make_snapshot(std::make_shared<const config::Config>(config), 2, [&](const config::Site&, const config::Config&) {
                return Result<std::shared_ptr<catalogue::Catalogue>>(small.shop);
            });
        CHECK_THAT(small.why_not({.urls = {"https://other.test/a"}}), Contains("\"other.test\""));
    }
}
