#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "server/access_log.h"
#include "server/catalogue/folder_catalogue.h"
#include "server/exchange.h"
#include "server/net/development_certificate.h"
#include "server/representations/stored.h"
#include "server/shard.h"
#include "tests/server/app/rooms.h"

namespace selvage::testing {

// One worker of the server as it is shipped, on the test's own thread: a folder that is watched, rules, metrics, the access log
// to a file, TLS. Only the transform workers are missing: what they make is put into the cache.
class House : public Rooms {
public:
    House() {
        write_files();
        http_port = listen(config::Scheme::Http);
        https_port = listen(config::Scheme::Https);
    }

    static constexpr std::size_t kLarge = 2'000'000;  // more than is kept in memory

    static std::string text(std::size_t lines) {
        std::string text;
        for (std::size_t i = 0; i < lines; ++i) text += "line " + std::to_string(i) + " of what compresses\n";
        return text;
    }

    // What the transform workers would have made of a picture.
    void put_variant(std::string_view path, unsigned width, std::string_view bytes) {
        const auto entry = catalogue->resolve(std::string(path));
        const catalogue::Source& source = *std::get<catalogue::SourcePtr>(*entry);
        transforms::Plan plan;
        plan.width = width;
        const auto format = transforms::Format::Webp;
        const unsigned quality = transforms::effective_quality(plan, format, snapshot->sites[0].quality);
        store->put(images.key(source.content, transforms::variant_recipe(plan, format, quality)),
                   std::make_shared<const cache_store::Object>(
                       cache_store::Object{.meta = representations::to_meta({.media_type = "image/webp", .etag = "webp"}),
                                           .body = make_blob(std::string(bytes)),
                                           .tags = {cache_store::source_tag(source.content)}}),
                   cache_store::Keep::Anywhere);
    }

    bool busy() const {
        return pool.busy() || pool.queued(loop::WorkPool::Lane::Now) > 0 || background.size() > 0 || background.busy();
    }

    TemporaryFolder files;
    // An hour later: files that have just changed would be looked at again, and again.
    std::shared_ptr<catalogue::FolderCatalogue> catalogue =
        *catalogue::open_catalogue(files.path().string(), {}, log, {.wall_ns = in_an_hour});
    std::unique_ptr<server::AccessLog> access_log = *server::AccessLog::open(cache.at("access.log"), counters, log);
    server::SnapshotPtr snapshot = make_snapshot();
    server::Exchange exchange{services, snapshot, &access_log->add_writer()};
    server::Shard shard{{.loop = loop, .pool = pool, .dispatcher = exchange, .observer = counters, .log = log},
                        counters,
                        snapshot->config,
                        make_tls(),
                        100};
    std::uint16_t http_port = 0, https_port = 0;

private:
    static std::int64_t in_an_hour() {
        const auto later = std::chrono::system_clock::now() + std::chrono::hours(1);
        return std::chrono::nanoseconds(later.time_since_epoch()).count();
    }

    void write_files() {
        files.write("index.html", text(40));
        files.write("app.js", text(2'000));
        files.write("style.css", text(500));
        files.write("large.bin", std::string(kLarge, 'x'));
        using namespace std::string_view_literals;
        constexpr auto kJpegHead = "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc0\0\x11\x08\0\x64\0\x64\3\1\x22\0"sv;
        files.write("photo.jpg", std::string(kJpegHead) + std::string(100'000, 'p'));
    }

    server::SnapshotPtr make_snapshot() {
        config::Config config;
        config::Site site;
        site.hosts = {"example.org"};
        config::Rule rule;
        rule.match = "/*.css";
        rule.headers = {{"X-Rule", "yes"}};
        site.rules.push_back(rule);
        config.sites = {site};
        return *server::make_snapshot(
            std::make_shared<const config::Config>(std::move(config)), 1,
            [this](const config::Site&, const config::Config&) -> Result<std::shared_ptr<catalogue::Catalogue>> {
                return catalogue;
            });
    }

    net::TlsContextPtr make_tls() {
        const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        const auto made = *net::development_certificate(cache.path().string(), now);
        return *net::TlsContext::load(made.certificate, made.key);
    }

    std::uint16_t listen(config::Scheme scheme) {
        FileDescriptor socket = *loop::TcpListener::bind("127.0.0.1", 0);
        const std::uint16_t port = loop::TcpListener::port_of(socket);
        if (!shard.listen(std::move(socket), scheme)) std::abort();
        return port;
    }
};

}  // namespace selvage::testing
