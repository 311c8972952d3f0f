#include "server/catalogue/ingest.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <functional>
#include <mutex>

#include "tests/server/catalogue/temporary_folder.h"

using namespace selvage;
using namespace selvage::catalogue;
using namespace std::chrono_literals;
using selvage::testing::TemporaryFolder;

namespace {

// A folder with an ingest whose pace is quick, and who waits until the history says what it should.
struct Site {
    explicit Site(std::string root = {},
                  Pace wanted = {.quiet = 30ms, .longest = 2s, .unfinished = 30ms, .unwatched = 50ms, .root = 20ms})
        : root_(root.empty() ? folder.path().string() : std::move(root)), pace(wanted) {}
    void start(std::function<Lifetime(std::string_view)> lifetime = {}) {
        contents = std::make_shared<releases::Contents>(cache.path().string(), 64 << 20, log);
        ledger = std::make_shared<releases::Ledger>(cache.path().string(), root_, releases::Limits{}, contents, log);
        ledger->on_release([this](const std::vector<releases::Seen>& fresh) {
            const std::lock_guard lock(mutex);
            builds.push_back(fresh.size());
        });
        auto opened = open_catalogue(root_, {}, log, {.ledger = ledger});
        REQUIRE(opened);
        catalogue = *opened;
        ingest = std::make_unique<Ingest>(log, pace);
        ingest->set_roots({{.catalogue = catalogue,
                            .ledger = ledger,
                            .lifetime = std::move(lifetime),
                            .offer_pages = offer_pages,
                            .entries = entries}});
    }
    static bool until(const std::function<bool()>& condition) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            ::poll(nullptr, 0, 5);
        }
        return true;
    }
    bool has(const std::string& text) const { return ledger->has(sha256(text)) && contents->kept(sha256(text)); }
    bool present(std::size_t files) const { return ledger->stats().present == files; }
    std::vector<std::size_t> told() {
        const std::lock_guard lock(mutex);
        return builds;
    }

    TemporaryFolder folder, cache;
    Log log{2, LogLevel::Off};
    std::string root_;
    Pace pace;
    bool offer_pages = false;
    std::size_t entries = 1000;
    std::mutex mutex;
    std::vector<std::size_t> builds;
    std::shared_ptr<releases::Contents> contents;
    std::shared_ptr<releases::Ledger> ledger;
    std::shared_ptr<FolderCatalogue> catalogue;
    std::unique_ptr<Ingest> ingest;
};

std::string text(char c) { return std::string(2000, c); }

}  // namespace

SCENARIO("what has a fingerprinted name when the server starts is kept, and nothing else") {
    Site site;
    site.folder.make("assets/deep/.git");
    site.folder.write("assets/index-BkS2dFq1.js", text('a'));
    site.folder.write("assets/deep/about-Dx7wR2gT.css", text('b'));
    site.folder.write("assets/deep/.git/x-Dx7wR2gT.css", text('c'));
    site.folder.write("assets/plain.js", text('d'));
    site.folder.write("index.html", text('e'));
    site.start();
    REQUIRE(Site::until([&] { return site.present(2); }));
    CHECK(site.has(text('a')));
    CHECK(site.has(text('b')));
    CHECK(site.contents->stats().files == 2);
    CHECK(Site::until([&] { return site.told() == std::vector<std::size_t>{2}; }));
    const auto offer = site.ledger->offer_of("/assets/deep/about-Dx7wR2gT.css", sha256(text('b')));
    REQUIRE(offer);
    CHECK(offer->match == "/assets/deep/*.css");
}

SCENARIO("rules make files long-lived, or say that nothing of them is kept") {
    Site site;
    site.folder.write("app.js", text('a'));
    site.folder.write("secret-BkS2dFq1.js", text('b'));
    site.folder.write("open-BkS2dFq1.js", text('c') + "larger");
    site.start([](std::string_view path) {
        if (path == "/app.js") return Lifetime::Long;
        return path.starts_with("/secret") ? Lifetime::Short : Lifetime::ByName;
    });
    REQUIRE(Site::until([&] { return site.present(2); }));
    CHECK(site.has(text('a')));
    CHECK_FALSE(site.ledger->has(sha256(text('b'))));
    CHECK(site.ledger->offer_of("/app.js", sha256(text('a')))->match == "/app.js");
}

SCENARIO("a deploy is one release, known when the folder stands still") {
    Site site;
    site.folder.make("assets");
    site.folder.write("assets/index-BkS2dFq1.js", text('a'));
    site.start();
    REQUIRE(Site::until([&] { return site.present(1); }));
    site.folder.make("assets/new");
    for (int i = 0; i < 20; ++i)
        site.folder.write("assets/new/part-Ab3dEf" + std::to_string(10 + i) + ".js", text('b') + std::to_string(i));
    site.folder.write("assets/index-Dx7wR2gT.js", text('c'));
    site.folder.remove("assets/index-BkS2dFq1.js");
    REQUIRE(Site::until([&] { return site.present(21); }));
    CHECK(Site::until([&] { return site.told() == std::vector<std::size_t>{1, 21}; }));
    CHECK(site.ledger->removed("/assets/index-BkS2dFq1.js"));
    CHECK(site.ledger->before("/assets/index-Dx7wR2gT.js", sha256(text('c'))) == std::vector{sha256(text('a'))});
}

SCENARIO("a build is not a release while a file of it is being written") {
    Site site;
    site.folder.make("assets");
    site.start();
    FileDescriptor writer(::open(site.folder.at("assets/big-BkS2dFq1.js").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    REQUIRE(::write(writer.number(), "half", 4) == 4);
    site.folder.write("assets/small-BkS2dFq1.js", text('a'));
    REQUIRE(Site::until([&] { return site.contents->kept(sha256(text('a'))); }));
    CHECK(site.present(0));
    REQUIRE(::write(writer.number(), " whole", 6) == 6);
    writer.reset();
    REQUIRE(Site::until([&] { return site.present(2); }));
    CHECK(site.has("half whole"));
    CHECK_FALSE(site.contents->kept(sha256("half")));
    CHECK(Site::until([&] { return site.told() == std::vector<std::size_t>{2}; }));
}

SCENARIO("one that is written for ever does not hold up the others") {
    Site site({}, {.quiet = 30ms, .longest = 200ms, .unfinished = 30ms});
    site.start();
    const FileDescriptor writer(::open(site.folder.at("big-BkS2dFq1.js").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    site.folder.write("small-BkS2dFq1.js", text('a'));
    CHECK(Site::until([&] { return site.present(1); }));
}

SCENARIO("a folder that is renamed away, and another that takes its place, are noticed") {
    Site site;
    site.folder.make("assets/sub");
    site.folder.write("assets/sub/index-BkS2dFq1.js", text('a'));
    site.folder.make("other/sub");
    site.folder.write("other/sub/index-Dx7wR2gT.js", text('b'));
    site.start();
    REQUIRE(Site::until([&] { return site.present(2); }));
    site.folder.rename("assets", "old");
    site.folder.rename("other", "assets");
    REQUIRE(Site::until([&] { return site.ledger->offer_of("/assets/sub/index-Dx7wR2gT.js", sha256(text('b'))).has_value(); }));
    CHECK(site.ledger->removed("/assets/sub/index-BkS2dFq1.js"));
    site.folder.write("assets/sub/late-Ab3dEf9h.js", text('c'));
    CHECK(Site::until([&] { return site.has(text('c')); }));
}

SCENARIO("a root that a link leads elsewhere is followed without a request") {
    TemporaryFolder house;
    house.make("v1");
    house.make("v2");
    house.write("v1/index-BkS2dFq1.js", text('a'));
    house.write("v2/index-Dx7wR2gT.js", text('b'));
    house.link("v1", "current");
    Site site(house.at("current"));
    site.start();
    REQUIRE(Site::until([&] { return site.has(text('a')); }));
    house.link("v2", "next");
    house.rename("next", "current");
    REQUIRE(Site::until([&] { return site.has(text('b')); }));
    CHECK(site.present(1));
    CHECK(site.ledger->removed("/index-BkS2dFq1.js"));
}

SCENARIO("links that lead in circles are walked once") {
    Site site;
    site.folder.make("a/b");
    site.folder.write("a/b/index-BkS2dFq1.js", text('a'));
    site.folder.link("../../a", "a/b/again");
    site.folder.link("a", "c");
    site.start();
    REQUIRE(Site::until([&] { return site.ledger->removed("/c/b/index-BkS2dFq1.js").has_value(); }));
    CHECK(site.present(2));
}

SCENARIO("no more files are known than are allowed") {
    Site site;
    site.entries = 10;
    for (int i = 0; i < 30; ++i) site.folder.write("part-Ab3dEf" + std::to_string(10 + i) + ".js", text('b') + std::to_string(i));
    site.start();
    REQUIRE(Site::until([&] { return !site.told().empty(); }));
    CHECK(site.present(10));
}

SCENARIO("pages that are dictionaries for one another count as files do") {
    Site site;
    site.entries = 9;
    site.offer_pages = true;
    for (int i = 0; i < 30; ++i) site.folder.write("page-" + std::to_string(i) + ".html", text('b') + std::to_string(i));
    site.start([](std::string_view) { return Lifetime::Page; });
    REQUIRE(Site::until([&] { return site.ledger->stats().present > 0; }));
    CHECK(site.ledger->stats().present < 9);
}
