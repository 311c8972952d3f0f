#include "server/exchange.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "server/representations/stored.h"
#include "tests/server/app/rooms.h"
#include "tests/server/loop/turns.h"

using namespace selvage;
using namespace selvage::server;
using selvage::testing::run_until;

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
    std::optional<catalogue::Finding> find(std::string_view path, SteadyTime now) override {
        const auto place = known.find(std::string(path));
        ++finds;
        if (place == known.end()) return std::nullopt;
        return catalogue::Finding{.entry = place->second, .until = now + life};
    }
    Result<catalogue::Entry> resolve(const std::string& path) override {
        ++looks;
        if (broken) return fail(ErrorKind::Internal, "the disk fails");
        const auto place = on_disk.find(path);
        return place == on_disk.end() ? catalogue::Entry(catalogue::Absent{}) : place->second;
    }
    Result<std::string> read(const catalogue::Source& of) override { return std::string(of.bytes->view()); }
    void forget(const std::string&) override { count_change(); }

    using Catalogue::count_change;

    std::map<std::string, catalogue::Entry> known, on_disk;
    SteadyTime::duration life = std::chrono::hours(1);
    int finds = 0;
    std::atomic<int> looks = 0;  // on the disk
    bool broken = false;
};

struct House : selvage::testing::Rooms {
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

    void use(config::Config config, std::uint64_t generation) {
        snapshot =
            *make_snapshot(std::make_shared<const config::Config>(std::move(config)), generation,
                           [this](const config::Site&, const config::Config&) -> Result<std::shared_ptr<catalogue::Catalogue>> {
                               return files;
                           });
        exchange->set_snapshot(snapshot);
    }

    http::Answer ask(http::Method method, std::string_view target, std::vector<http::Field> fields = {},
                     std::string_view authority = "example.org") {
        http::Request request;
        request.method = method;
        request.target = target;
        request.authority = authority;
        request.fields = http::FieldList(fields);
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

    std::shared_ptr<FakeCatalogue> files = std::make_shared<FakeCatalogue>();
    SnapshotPtr snapshot;
    std::unique_ptr<Exchange> exchange;
    bool was_later = false;
};

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
    CHECK(answer.verdict == http::Verdict::Hit);
    CHECK(house.get("/nowhere.txt").status == 404);
}

SCENARIO("a path that is looked for, for nobody any more") {
    House house;
    std::promise<void> open;
    house.pool.detach(loop::WorkPool::Lane::Now, [opened = open.get_future().share()] { opened.get(); });
    http::Request request;
    request.target = "/late.txt";
    request.authority = "example.org";
    http::Reply reply = house.exchange->handle(request);
    http::Pending pending = std::move(std::get<http::Pending>(reply));
    bool over = false;
    pending->start([&](http::Answer) {
        over = true;
        pending.reset();
    });
    pending->withdraw();
    CHECK(!over);
    open.set_value();
    run_until(house.loop, [&] { return over; });
    THEN("is not looked for, and the end is told") { CHECK(house.files->looks == 0); }
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

TEST_CASE("a configuration that is no longer in force keeps no memory") {
    House house;
    for (std::uint64_t generation = 2; generation < 10; ++generation) {
        house.ask(http::Method::Get, "/a.txt");
        house.use(*house.snapshot->config, generation);
        CHECK(house.services.heads.size() == 0);
    }
}

SCENARIO("what was asked for before is answered without another look, and never with what is no longer true") {
    House house;
    const auto finds_of = [&](std::string_view target) {
        const int before = house.files->finds;
        house.get(target);
        return house.files->finds - before;
    };
    const auto becomes = [&](const std::string& path, catalogue::Entry entry) {
        house.files->known[path] = std::move(entry);
        house.files->count_change();
    };
    CHECK(text_of(house.get("/a.txt")) == "hello");
    THEN("the catalogue is asked once") {
        CHECK(finds_of("/a.txt") == 0);
        CHECK(finds_of("/a.txt?v=1") == 1);  // another URL
        CHECK(finds_of("/nothing.txt") == 1);
        CHECK(finds_of("/nothing.txt") == 0);
    }
    THEN("a changed file is sent as it is now") {
        becomes("/a.txt", source("/a.txt", "changed", "text/plain; charset=utf-8"));
        CHECK(text_of(house.get("/a.txt")) == "changed");
    }
    THEN("a removed file is gone, and a new one is there") {
        becomes("/a.txt", catalogue::Absent{});
        CHECK(house.get("/a.txt").status == 404);
        CHECK(house.get("/nothing.txt").status == 404);
        becomes("/nothing.txt", source("/nothing.txt", "something", "text/plain; charset=utf-8"));
        CHECK(text_of(house.get("/nothing.txt")) == "something");
    }
    THEN("a file that becomes a folder is redirected") {
        becomes("/a.txt", catalogue::Directory{});
        CHECK(house.get("/a.txt").status == 301);
    }
    THEN("a change elsewhere costs one look and changes nothing") {
        const http::HeadPtr head = house.get("/a.txt").head;
        house.files->count_change();
        CHECK(finds_of("/a.txt") == 1);
        CHECK(finds_of("/a.txt") == 0);
        CHECK(house.get("/a.txt").head == head);
    }
    THEN("where nobody tells of changes, the catalogue is asked as often as it wants") {
        house.files->life = std::chrono::seconds(0);
        becomes("/a.txt", source("/a.txt", "unwatched", "text/plain; charset=utf-8"));
        CHECK(text_of(house.get("/a.txt")) == "unwatched");
        house.files->known["/a.txt"] = source("/a.txt", "changed untold", "text/plain; charset=utf-8");
        CHECK(text_of(house.get("/a.txt")) == "changed untold");
    }
    THEN("a reload brings its rules") {
        CHECK(house.get("/a.txt").head->field("x-new").empty());
        config::Config config;
        config::Site site;
        site.hosts = {"example.org"};
        config::Rule rule;
        rule.match = "/**";
        rule.headers = {{"X-New", "yes"}};
        site.rules.push_back(rule);
        config.sites = {site};
        house.use(std::move(config), 2);
        CHECK(house.get("/a.txt").head->field("x-new") == "yes");
    }
    THEN("the methods stay apart") {
        CHECK(house.ask(http::Method::Options, "/a.txt").status == 204);
        CHECK(house.ask(http::Method::Post, "/a.txt").status == 405);
        CHECK(house.get("/a.txt").status == 200);
    }
}

SCENARIO("a coding is followed from its making to its loss") {  // static-delivery §4
    House house;
    auto page = std::make_shared<catalogue::Source>();
    std::string text;
    for (int i = 0; i < 500; ++i) text += "line " + std::to_string(i) + " of a page\n";
    page->path = "/page.txt";
    page->serial = 1'000'000;
    page->content = sha256(text);
    page->etag = etag_text(page->content);
    page->size = text.size();
    page->media_type = "text/plain; charset=utf-8";
    page->compressible = true;
    page->bytes = make_blob(text);
    house.files->known["/page.txt"] = catalogue::SourcePtr(page);
    const auto ask = [&](const char* codings) { return house.get("/page.txt", {{"accept-encoding", codings}}); };

    const http::Answer first = ask("br");
    CHECK(first.head->field("content-encoding") == "br");  // the interim one, unless the best was quicker
    if (first.verdict == http::Verdict::Miss) CHECK(first.head->field("etag") == "\"" + page->etag + "-br.fast\"");
    run_until(house.loop, [&] { return ask("br").verdict == http::Verdict::Hit; });
    THEN("the best replaces the interim one") {
        CHECK(ask("br").head->field("etag") == "\"" + page->etag + "-br\"");
        CHECK(house.get("/page.txt", {{"accept-encoding", "br"}, {"if-none-match", "\"" + page->etag + "\""}}).status == 304);
    }
    THEN("each client gets what it takes, one after the other") {
        run_until(house.loop, [&] { return ask("gzip").verdict == http::Verdict::Hit; });
        for (int i = 0; i < 3; ++i) {
            CHECK(ask("br").head->field("content-encoding") == "br");
            CHECK(ask("").head->field("content-encoding").empty());
            CHECK(ask("gzip").head->field("content-encoding") == "gzip");
            CHECK(ask("identity;q=0").status == 406);
        }
    }
    THEN("one that the memory has let go is not sent from there") {
        house.store->set_limits({.memory_bytes = 0});
        const http::Answer again = ask("br");
        CHECK(again.verdict != http::Verdict::Hit);
        CHECK(again.head->field("content-encoding") == "br");
    }
}

SCENARIO("an image variant is sent as the cache has it") {
    House house;
    house.images.set_epoch("test");
    auto photo = std::make_shared<catalogue::Source>();
    photo->path = "/photo.jpg";
    photo->serial = 1'000'001;
    photo->content = sha256("photo");
    photo->etag = etag_text(photo->content);
    photo->size = 100'000;
    photo->media_type = "image/jpeg";
    photo->image = transforms::Probe{.format = transforms::Format::Jpeg, .width = 1600, .height = 900};
    house.files->known["/photo.jpg"] = catalogue::SourcePtr(photo);
    const auto put = [&](transforms::Format format, const char* type, const char* tag) {
        transforms::Plan plan;
        plan.width = 640;
        const unsigned quality = transforms::effective_quality(plan, format, house.snapshot->sites[0].quality);
        house.store->put(house.images.key(photo->content, transforms::variant_recipe(plan, format, quality)),
                         std::make_shared<const cache_store::Object>(
                             cache_store::Object{.meta = representations::to_meta({.media_type = type, .etag = tag}),
                                                 .body = make_blob(tag),
                                                 .tags = {cache_store::source_tag(photo->content)}}),
                         cache_store::Keep::Anywhere);
    };
    const auto ask = [&](const char* accept) { return house.get("/photo.jpg?w=640", {{"accept", accept}}); };
    put(transforms::Format::Jpeg, "image/jpeg", "jpeg-1");
    put(transforms::Format::Webp, "image/webp", "webp-1");
    for (int i = 0; i < 2; ++i) {
        CHECK(ask("image/webp").head->field("content-type") == "image/webp");
        CHECK(ask("*/*").head->field("content-type") == "image/jpeg");
        CHECK(text_of(ask("image/webp")) == "webp-1");
    }
    THEN("one that was made anew has its own fields") {
        put(transforms::Format::Webp, "image/webp", "webp-2");
        CHECK(text_of(ask("image/webp")) == "webp-2");
        CHECK(ask("image/webp").head->field("etag") == "\"webp-2\"");
    }
    THEN("a method or a file that allows no variant is not answered with one") {
        CHECK(house.ask(http::Method::Options, "/photo.jpg?w=640").status == 204);
        CHECK(house.get("/photo.jpg?w=x").status == 400);
        CHECK(house.ask(http::Method::Options, "/photo.jpg?w=x").status == 204);
    }
    THEN("limits that are lowered hold at once") {
        config::Config config;
        config.sites = {config::Site{.hosts = {"example.org"}}};
        config.image.source_pixels = 1000;
        house.use(std::move(config), 2);
        CHECK(ask("image/webp").status == 422);
    }
}
