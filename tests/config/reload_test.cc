#include <catch2/catch.hpp>

#include "config/loader.h"
#include "config/options.h"

using namespace selvage::config;
using namespace std::chrono_literals;

SCENARIO("a reload says which changes wait for a restart") {
    Config before;
    Config after;
    CHECK(needs_restart(before, after).empty());

    WHEN("listeners, the admin listener or the number of loops change") {
        after.server.listen = {{Scheme::Http, "127.0.0.1", 80}};
        after.server.admin = Endpoint{Scheme::Http, "127.0.0.1", 9090};
        after.server.workers = 2;
        CHECK(needs_restart(before, after) == std::vector<std::string>{"server.listen", "server.admin", "server.workers"});
    }
    WHEN("the folder of the cache changes") {
        after.cache.path = "/elsewhere";
        CHECK(needs_restart(before, after) == std::vector<std::string>{"cache.path"});
    }
    WHEN("anything else changes, it is in force at once") {
        after.tls.certificate = "new.pem";
        after.cache.memory = 1;
        after.image.quality.avif = 60;
        after.timeouts.idle = 1s;
        after.limits.connections = 1;
        after.limits.address_exempt.clear();
        after.server.proxy_protocol = {*selvage::parse_network("10.0.0.0/8")};
        after.sites.push_back({.root = "/srv"});
        CHECK(needs_restart(before, after).empty());
    }
}
