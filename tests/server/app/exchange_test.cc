#include "server/exchange.h"

#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cache_store/store.h"
#include "server/representations/transform_pool.h"
#include "tests/server/catalogue/temporary_folder.h"
#include "tests/server/loop/turns.h"

using namespace selvage;
using namespace selvage::server;
using selvage::testing::run_until;
using selvage::testing::TemporaryFolder;

namespace {

catalogue::SourcePtr source(const std::string& path, const std::string& content, std::string_view media_type) {
    static std::uint64_t serials = 0;
    catalogue::Source made;
    made.path = path;
    made.serial = ++serials;
    made.content = sha256(content);
    made.etag = etag_text(made.content);
    made.size = content.size();
    made.last_modified = "Fri, 20 Nov 2026 09:00:00 GMT";
    made.media_type = media_type;
    made.bytes = make_blob(content);
    return std::make_shared<const catalogue::Source>(std::move(made));
}

// Knows some paths at once and finds others only when it has looked.
class FakeCatalogue final : public catalogue::Catalogue {
public:
    std::optional<catalogue::Entry> find(std::string_view path) override {
        const auto place = known.find(std::string(path));
        return place == known.end() ? std::nullopt : std::optional(place->second);
    }
    Result<catalogue::Entry> resolve(const std::string& path) override {
        if (broken) return fail(ErrorKind::Internal, "the disk fails");
        const auto place = on_disk.find(path);
        return place == on_disk.end() ? catalogue::Entry(catalogue::Absent{}) : place->second;
    }
    Result<std::string> read(const catalogue::Source& of) override { return std::string(of.bytes->view()); }

    std::map<std::string, catalogue::Entry> known, on_disk;
    bool broken = false;
};

struct House {
    House() {
        config::Config config;
        config::Site site;
        site.hosts = {"example.org"};
        config::Rule rule;
        rule.match = "/private/**";
        rule.bypass = true;
        rule.headers = {{"X-Rule", "yes"}};
        site.rules.push_back(rule);
        config.sites = {site};
        files->known["/a.txt"] = source("/a.txt", "hello", "text/plain; charset=utf-8");
        files->known["/private/a.txt"] = source("/private/a.txt", "secret", "text/plain; charset=utf-8");
        files->known["/folder"] = catalogue::Directory{};
        files->known["/nothing.txt"] = catalogue::Absent{};
        files->on_disk["/late.txt"] = source("/late.txt", "late", "text/plain; charset=utf-8");
        snapshot =
            *make_snapshot(std::make_shared<const config::Config>(std::move(config)), 1,
                           [this](const config::Site&, const config::Config&) -> Result<std::shared_ptr<catalogue::Catalogue>> {
                               return files;
                           });
        exchange = std::make_unique<Exchange>(services, snapshot, nullptr);
    }

    http::Answer ask(http::Method method, std::string_view target, std::vector<http::Field> fields = {},
                     std::string_view authority = "example.org") {
        http::Request request;
        request.method = method;
        request.target = target;
        request.authority = authority;
        request.fields = std::move(fields);
        http::Reply reply = exchange->handle(request);
        if (auto* answer = std::get_if<http::Answer>(&reply)) return std::move(*answer);
        was_later = true;
        std::optional<http::Answer> later;
        const http::Pending pending = std::move(std::get<http::Pending>(reply));
        pending->start([&](http::Answer answer) { later = std::move(answer); });
        CHECK(!later);
        run_until(loop, [&] { return later.has_value(); });
        return std::move(*later);
    }
    http::Answer get(std::string_view target, std::vector<http::Field> fields = {}) {
        return ask(http::Method::Get, target, std::move(fields));
    }

    TemporaryFolder folder;
    Log log{2, LogLevel::Off};
    std::shared_ptr<FakeCatalogue> files = std::make_shared<FakeCatalogue>();
    std::unique_ptr<cache_store::Store> store = cache_store::open_store(folder.path().string(), {}, log);
    loop::Loop loop;  // control and worker at once
    http::Counters counters;
    loop::WorkPool pool{1};
    representations::Codings codings{*store, pool, counters, log};
    representations::TransformPool transforms{
        loop, {.program = "/bin/false", .workers = 0, .queue = 1, .limits = {}}, counters, log};
    representations::Fills fills{loop, counters};
    representations::Images images{loop, pool, *store, transforms, fills};
    handlers::Services services{.loop = loop,
                                .control = loop,
                                .pool = pool,
                                .codings = codings,
                                .images = images,
                                .fills = fills,
                                .counters = counters,
                                .log = log,
                                .heads = {},
                                .now = {}};
    SnapshotPtr snapshot;
    std::unique_ptr<Exchange> exchange;
    bool was_later = false;
};

std::string extra(const http::Answer& answer, std::string_view name) {
    for (std::size_t i = 0; i < answer.extra.size(); ++i) {
        if (answer.extra.at(i).name == name) return std::string(answer.extra.at(i).value);
    }
    return {};
}

std::string text_of(const http::Answer& answer) {
    return answer.body.length() == 0 ? "" : std::string(answer.body.segment(0).bytes->view());
}

}  // namespace

TEST_CASE("a file that is known is answered at once") {
    House house;
    const http::Answer answer = house.get("/a.txt");
    CHECK(!house.was_later);
    CHECK(answer.status == 200);
    CHECK(text_of(answer) == "hello");
    CHECK(answer.verdict == http::Verdict::Hit);
    CHECK(extra(answer, "cache-status") == "selvage; hit");
    CHECK(answer.head->field("content-type") == "text/plain; charset=utf-8");
    CHECK(answer.head->field("x-content-type-options") == "nosniff");
    const std::string tag(answer.head->field("etag"));
    CHECK(house.get("/a.txt", {{"if-none-match", tag}}).status == 304);
    CHECK(text_of(house.get("/%61.txt?x=y")) == "hello");  // RFC 3986 §6.2.2.2
}

TEST_CASE("a file that is not known yet is looked for, off the loop") {
    House house;
    const http::Answer answer = house.get("/late.txt");
    CHECK(house.was_later);
    CHECK(text_of(answer) == "late");
    CHECK(!extra(answer, "cache-status").empty());
    CHECK(house.get("/nowhere.txt").status == 404);
}

TEST_CASE("a disk that fails is our error, and says nothing about it") {
    House house;
    house.files->broken = true;
    const http::Answer answer = house.get("/late.txt");
    CHECK(answer.status == 500);
    CHECK(text_of(answer).find("disk") == std::string::npos);
}

SCENARIO("what a request may ask") {
    House house;
    THEN("other methods are refused, with those that are not") {  // RFC 9110 §15.5.6
        for (const auto method : {http::Method::Post, http::Method::Other}) {
            const http::Answer answer = house.ask(method, "/a.txt");
            CHECK(answer.status == 405);
            CHECK(answer.head->field("allow") == "GET, HEAD, OPTIONS");
        }
    }
    THEN("OPTIONS * is about the server") { CHECK(house.ask(http::Method::Options, "*").status < 300); }
    THEN("a host that no site has is misdirected") {  // RFC 9110 §15.5.20
        CHECK(house.ask(http::Method::Get, "/a.txt", {}, "other.test").status == 421);
        CHECK(house.ask(http::Method::Get, "/a.txt", {}, "EXAMPLE.ORG:8443").status == 200);
    }
    THEN("a folder without its slash is redirected, the query kept") {
        const http::Answer answer = house.get("/folder?a=b");
        CHECK(answer.status == 301);
        CHECK(answer.head->field("location") == "/folder/?a=b");
    }
    THEN("what is absent is 404") { CHECK(house.get("/nothing.txt").status == 404); }
    THEN("dot segments are resolved first: above the root there is nothing") {  // protocol-and-limits §4
        CHECK(text_of(house.get("/../../a.txt")) == "hello");
        CHECK(text_of(house.get("/x/%2e%2e/a.txt")) == "hello");
    }
    THEN("what no path may hold is refused before anybody looks") {
        for (const char* path : {"/a%00.txt", "/%zz", "/a\\b", "/a%0d.txt"}) {
            INFO(path);
            CHECK(house.get(path).status == 400);
            CHECK(!house.was_later);
        }
    }
    THEN("a rule's bypass is neither stored nor called a hit") {
        const http::Answer answer = house.get("/private/a.txt");
        CHECK(answer.verdict == http::Verdict::Bypass);
        CHECK(extra(answer, "cache-status") == "selvage; fwd=bypass");
        CHECK(answer.head->field("cache-control") == "no-store");
        CHECK(answer.head->field("x-rule") == "yes");
    }
}

TEST_CASE("a request goes on with the configuration that it began with") {
    House house;
    http::Request request;
    request.target = "/late.txt";
    request.authority = "example.org";
    http::Reply reply = house.exchange->handle(request);
    const http::Pending pending = std::move(std::get<http::Pending>(reply));
    config::Config other;
    other.sites = {config::Site{}};
    house.exchange->set_snapshot(
        *make_snapshot(std::make_shared<const config::Config>(other), 2, [](const config::Site&, const config::Config&) {
            return std::shared_ptr<catalogue::Catalogue>(std::make_shared<FakeCatalogue>());
        }));
    house.snapshot.reset();
    std::optional<http::Answer> later;
    pending->start([&](http::Answer answer) { later = std::move(answer); });
    run_until(house.loop, [&] { return later.has_value(); });
    CHECK(later->status == 200);
    CHECK(house.get("/a.txt").status == 404);  // the next has the new one
}
