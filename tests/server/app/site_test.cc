#include "server/site.h"

#include <catch2/catch.hpp>

#include <string>

using namespace selvage;
using namespace selvage::server;

namespace {

config::Site site(std::vector<std::string> hosts, std::string root) {
    config::Site settings;
    settings.hosts = std::move(hosts);
    settings.root = std::move(root);
    return settings;
}

SnapshotPtr snapshot(std::vector<config::Site> sites) {
    config::Config config;
    config.sites = std::move(sites);
    return *make_snapshot(std::make_shared<const config::Config>(std::move(config)), 1,
                          [](const config::Site&, const config::Config&) { return std::shared_ptr<catalogue::Catalogue>(); });
}

std::string root_for(const SnapshotPtr& sites, std::string_view authority) {
    const Site* found = sites->find(authority);
    return found ? found->settings->root : "none";
}

}  // namespace

SCENARIO("which site answers for a host") {
    const SnapshotPtr sites =
        snapshot({site({"*.example.org"}, "wild"), site({"*"}, "any"), site({"*.img.example.org"}, "longer"),
                  site({"example.org", "a.example.org"}, "exact"), site({"[::1]"}, "six")});
    THEN("an exact name stands before every wildcard") {
        CHECK(root_for(sites, "example.org") == "exact");
        CHECK(root_for(sites, "a.example.org") == "exact");
    }
    THEN("the longer wildcard stands before the shorter") {
        CHECK(root_for(sites, "x.img.example.org") == "longer");
        CHECK(root_for(sites, "img.example.org") == "wild");
        CHECK(root_for(sites, "b.example.org") == "wild");
        CHECK(root_for(sites, "b.c.example.org") == "wild");
    }
    THEN("everything else is the catch-all's, also what only looks alike") {
        CHECK(root_for(sites, "other.test") == "any");
        CHECK(root_for(sites, "notexample.org") == "any");
        CHECK(root_for(sites, ".example.org") == "any");
        CHECK(root_for(sites, "") == "any");
    }
    THEN("neither case, nor port, nor the final dot matters") {
        CHECK(root_for(sites, "EXAMPLE.org") == "exact");
        CHECK(root_for(sites, "example.org:8443") == "exact");
        CHECK(root_for(sites, "example.org.") == "exact");
        CHECK(root_for(sites, "example.org.:8443") == "exact");
        CHECK(root_for(sites, "[::1]:8443") == "six");
        CHECK(root_for(sites, "[::1]") == "six");
    }
    THEN("without a catch-all a foreign host has no site") {
        CHECK(root_for(snapshot({site({"example.org"}, "exact")}), "other.test") == "none");
        CHECK(root_for(snapshot({site({"example.org"}, "exact")}), "") == "none");
    }
    THEN("of two that fit alike the first in the file answers") {
        CHECK(root_for(snapshot({site({"*"}, "first"), site({"*"}, "second")}), "x") == "first");
    }
}

TEST_CASE("the first rule whose glob matches is the rule of a path") {
    config::Site settings = site({"*"}, "r");
    for (const char* match : {"/video/**", "/video/*.mp4", "/*.html"}) {
        config::Rule rule;
        rule.match = match;
        settings.rules.push_back(std::move(rule));
    }
    const SnapshotPtr sites = snapshot({settings});
    const Site& found = sites->sites.at(0);
    const auto match_of = [&](std::string_view path) {
        const config::Rule* rule = found.rule_for(path);
        return rule ? rule->match : "none";
    };
    CHECK(match_of("/video/a.mp4") == "/video/**");
    CHECK(match_of("/video/a/b.mp4") == "/video/**");
    CHECK(match_of("/index.html") == "/*.html");
    CHECK(match_of("/a/index.html") == "none");
    CHECK(match_of("/") == "none");
}

TEST_CASE("a snapshot holds what its sites were given by the configuration") {
    config::Config config;
    config.image.auto_formats = {"webp"};
    config.image.quality = {.jpeg = 11, .webp = 12, .avif = 13};
    config.image.output_side = 1'234;
    config.image.strict = true;
    config.sites = {site({"*"}, "r")};
    std::string opened;
    const auto made = make_snapshot(std::make_shared<const config::Config>(config), 7,
                                    [&](const config::Site& settings, const config::Config&) {
                                        opened += settings.root;
                                        return std::shared_ptr<catalogue::Catalogue>();
                                    });
    REQUIRE(made);
    CHECK(opened == "r");
    CHECK((*made)->generation == 7);
    const Site& only = (*made)->sites.at(0);
    CHECK(only.auto_formats.formats == std::vector{transforms::Format::Webp});
    CHECK(only.quality.webp == 12);
    CHECK(only.dialect.max_side == 1'234);
    CHECK(only.dialect.strict);
}

TEST_CASE("a root that cannot be opened is the snapshot's error") {
    config::Config config;
    config.sites = {site({"*"}, "r")};
    const auto made =
        make_snapshot(std::make_shared<const config::Config>(config), 1,
                      [](const config::Site&, const config::Config&) -> Result<std::shared_ptr<catalogue::Catalogue>> {
                          return fail(ErrorKind::NotFound, "no such folder: r");
                      });
    REQUIRE(!made);
    CHECK(made.error().detail == "no such folder: r");
}
