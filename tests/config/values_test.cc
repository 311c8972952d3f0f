// What a configuration text means: the values that it leads to.
#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include "config/loader.h"

using namespace selvage::config;
using namespace std::chrono_literals;
using selvage::LogLevel;
using selvage::parse_network;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

Config loaded(const std::string& name) {
    std::ifstream stream(SELVAGE_TEST_DATA "/config/" + name);
    std::ostringstream text;
    text << stream.rdbuf();
    auto config = parse(text.str(), "/etc/selvage/" + name);
    REQUIRE(config);
    return *std::move(config);
}

Config parsed(std::string_view text) {
    auto config = parse(text, "selvage.toml");
    REQUIRE(config);
    return *std::move(config);
}

using Fields = std::vector<std::pair<std::string, std::string>>;

}  // namespace

TEST_CASE("the documented example means what it says") {
    const Config config = loaded("issue_example.toml");
    REQUIRE(config.server.listen.size() == 2);
    CHECK(config.server.listen[0] == Endpoint{Scheme::Https, "0.0.0.0", 8443});
    CHECK(config.server.listen[1] == Endpoint{Scheme::Http, "0.0.0.0", 8080});
    CHECK(config.server.admin == Endpoint{Scheme::Http, "127.0.0.1", 9090});
    CHECK(config.server.workers == 0);
    CHECK(config.tls.certificate == "/etc/selvage/cert.pem");
    CHECK(config.tls.key == "/etc/selvage/key.pem");
    CHECK(config.cache.path == "/var/cache/selvage");
    CHECK(config.cache.memory == 256 * kMiB);
    CHECK(config.cache.disk == 10'240 * kMiB);
    CHECK((config.image.quality.jpeg == 80 && config.image.quality.webp == 79 && config.image.quality.avif == 55));
    REQUIRE(config.sites.size() == 1);
    CHECK(config.sites[0].hosts == std::vector<std::string>{"*"});
    CHECK(config.sites[0].root == "/etc/selvage/public");
    REQUIRE(config.sites[0].rules.size() == 1);
    const Rule& rule = config.sites[0].rules[0];
    CHECK(rule.match == "/video/**");
    CHECK(rule.browser_ttl == 1h);
    CHECK(rule.edge_ttl == 2h);
    CHECK_FALSE(rule.bypass);
    CHECK(rule.headers == Fields{{"X-Frame-Options", "DENY"}});
}

SCENARIO("every option of a file reaches the configuration") {
    const Config config = loaded("every_option.toml");
    THEN("of the server, its certificate and its cache") {
        CHECK(config.server.listen == std::vector<Endpoint>{{Scheme::Https, "::1", 443}, {Scheme::Http, "10.0.0.1", 0}});
        CHECK(config.server.admin == Endpoint{Scheme::Http, "::1", 9090});
        CHECK(config.server.workers == 3);
        CHECK(config.server.log_level == LogLevel::Debug);
        CHECK(config.server.access_log == "/etc/selvage/logs/access.json");
        CHECK(config.server.drain_timeout == 1min);
        CHECK(config.server.pid_file == "/etc/selvage/run/selvage.pid");
        CHECK(config.server.proxy_protocol == std::vector{*parse_network("10.0.0.0/8"), *parse_network("2001:db8::1")});
        CHECK(config.tls.certificate == "/etc/cert.pem");
        CHECK(config.tls.key == "/etc/key.pem");
        CHECK(config.tls.key_updates == 65);
        CHECK(config.cache.path == "/etc/selvage/cache");
        CHECK(config.cache.memory == kMiB);
        CHECK(config.cache.disk == 1'536 * kMiB);
    }
    THEN("of releases") {
        CHECK((config.releases.keep == 24h * 7 && config.releases.builds == 5 && config.releases.bytes == 100 * kMiB));
    }
    THEN("of hints") {
        CHECK((config.hints.file_bytes == 2 * kMiB && config.hints.files == 65));
        CHECK((config.sites[0].hints && !config.sites[1].hints));
    }
    THEN("of dictionaries") {
        CHECK_FALSE(config.dictionaries.enabled);
        CHECK(config.dictionaries.largest == 7 * kMiB);
        CHECK(config.dictionaries.on_the_fly == 5 * kMiB);
        CHECK(config.dictionaries.at_once == 3);
    }
    THEN("of images") {
        const Image& image = config.image;
        CHECK((image.quality.jpeg == 1 && image.quality.webp == 2 && image.quality.avif == 3));
        CHECK(image.auto_formats == std::vector<std::string>{"webp"});
        CHECK(image.strict);
        CHECK(image.source_bytes == 10'000'000);
        CHECK(image.source_pixels == 1'000'000);
        CHECK((image.source_side == 1000 && image.output_side == 1001 && image.output_pixels == 1002 && image.frames == 1003));
        CHECK((image.animation_pixels == 1004 && image.animation_output_pixels == 1006 && image.avif_pixels == 1005));
        CHECK((image.upscale == 5 && image.upscale_pixels == 1007 && image.dpr == 3));
        CHECK((image.query_bytes == 1008 && image.query_params == 33));
        CHECK((image.avif_at_once == 1250ms && image.degrade_wait == 1750ms));
        CHECK((!image.upgrade && image.siblings && image.convert_plain));
        CHECK((!image.mezzanine && image.variants_per_source == 21 && image.client_misses == 22));
        CHECK((image.client_misses_burst == 23 && image.rasterise_svg && image.svg_bytes == kMiB && image.svg_elements == 24));
        CHECK((image.svg_cpu == 3s && image.source_timeout == 2500ms && image.total_timeout == 3s));
        CHECK((image.workers == 2 && image.queue == 9 && image.heavy_queue == 4 && image.gather == 6ms));
        CHECK(image.memory_budget == 2048 * kMiB);
        CHECK(image.worker_memory == 512 * kMiB);
        CHECK(image.worker_cpu == 7s);
        CHECK(image.process_timeout == 1500ms);
        CHECK(image.queue_timeout == 2s);
        CHECK(image.recycle_jobs == 10);
        CHECK(image.recycle_memory == 64 * kMiB);
    }
    THEN("of protocols and limits") {
        CHECK((config.http1.request_line == 4096 && config.http1.header_bytes == 16'384));
        CHECK((config.http1.field_bytes == 8192 && config.http1.fields == 50));
        CHECK((config.http2.streams == 64 && config.http2.stream_window == 131'072));
        CHECK((config.http2.connection_window == 2 * kMiB && config.http2.header_bytes == 16'384));
        CHECK((config.http2.fields == 64 && config.http2.requests == 1000));
        CHECK((config.http2.continuations == 4 && config.http2.refused == 101 && config.http2.acknowledgements == 103));
        CHECK((config.http2.resets == 201 && config.http2.resets_per_second == 21 && config.http2.early_resets == 51));
        CHECK((config.http2.glitches == 1001 && config.http2.glitches_per_second == 102));
        CHECK((config.timeouts.handshake == 1s && config.timeouts.header == 2s));
        CHECK((config.timeouts.idle == 4s && config.timeouts.write == 5s));
        CHECK((config.timeouts.header_block == 3s && config.timeouts.idle_pings == 5min));
        CHECK((config.timeouts.stream_write == 6s && config.timeouts.slow_write == 7s));
        CHECK((config.limits.connections == 1000 && config.limits.memory_file == 2 * kMiB));
        CHECK(config.limits.catalogue_entries == 1001);
        CHECK((config.limits.address_connections == 257 && config.limits.address_rate == 104));
        CHECK(config.limits.address_exempt == std::vector{*parse_network("192.0.2.0/24")});
        CHECK(config.limits.write_rate == 501);
    }
    THEN("of sites and rules, in the order of the text") {
        REQUIRE(config.sites.size() == 2);
        CHECK(config.sites[0].hosts == std::vector<std::string>{"example.org", "*.example.org", "[::1]"});
        CHECK(config.sites[0].root == "/etc/selvage/www");
        CHECK(config.sites[0].follow_symlinks);
        CHECK(config.sites[1].root == "/srv/other");
        CHECK(config.sites[1].hosts == std::vector<std::string>{"*"});
        REQUIRE(config.sites[0].rules.size() == 2);
        const Rule& rule = config.sites[0].rules[0];
        CHECK((rule.match == "**.mp4" && rule.browser_ttl == 60s && rule.edge_ttl == 168h && rule.bypass));
        CHECK(rule.tags == std::vector<std::string>{"video", "a-b._:/9"});
        CHECK(rule.headers == Fields{{"X-Second", "2"}, {"X-First", "1"}});
        const Rule& bare = config.sites[0].rules[1];
        CHECK((!bare.browser_ttl && !bare.edge_ttl && !bare.bypass && bare.tags.empty() && bare.headers.empty()));
    }
}

TEST_CASE("an empty text is the default configuration without a site") {
    const Config config = parsed("");
    CHECK(needs_restart(config, Config{}).empty());
    CHECK(config.sites.empty());
    CHECK(config.server.listen.empty());
    CHECK_FALSE(config.server.admin.has_value());
}

TEST_CASE("the access log may be no file") {
    CHECK(parsed("server.access_log = 'stderr'").server.access_log == "stderr");
    CHECK(parsed("server.access_log = ''").server.access_log.empty());
    CHECK(parsed("server.access_log = 'a/../b.log'").server.access_log == "b.log");
}

TEST_CASE("a list replaces the default, also an empty one") {
    CHECK(parsed("image.auto_formats = []").image.auto_formats.empty());
}
