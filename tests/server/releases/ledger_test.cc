#include "server/releases/ledger.h"

#include <catch2/catch.hpp>
#include <fcntl.h>

#include <filesystem>
#include <fstream>

#include "tests/server/catalogue/temporary_folder.h"

using namespace selvage;
using namespace selvage::releases;
using namespace std::chrono_literals;
using selvage::testing::TemporaryFolder;

namespace {

// A root's history with a clock that the test moves. Files are their names and texts; texts are made large enough to be offered.
struct Site {
    explicit Site(Limits wanted = {}) : limits(wanted) { open(); }
    void open() {
        ledger.reset();
        contents = std::make_shared<Contents>(folder.at("cache"), 64 << 20, log);
        ledger = std::make_shared<Ledger>(folder.at("cache"), "/srv/www", limits, contents, log, [this] { return now; });
        ledger->on_release([this](const std::vector<Seen>& fresh) {
            told.clear();
            for (const Seen& seen : fresh) told.push_back(seen.path);
        });
    }

    static std::string text(const std::string& word, std::size_t size = 2000) { return word + std::string(size, ' '); }
    static Sha256 hash(const std::string& word, std::size_t size = 2000) { return sha256(text(word, size)); }

    Present file(const std::string& path, const std::string& word, std::size_t size = 2000, bool fingerprinted = true) {
        const std::string content = text(word, size);
        folder.write("file", content);
        const FileDescriptor descriptor(::open(folder.at("file").c_str(), O_RDONLY | O_CLOEXEC));
        ledger->keep(sha256(content), descriptor.number(), content.size());
        return {.path = path,
                .content = sha256(content),
                .size = content.size(),
                .modified = WallTime{1s},
                .fingerprinted = fingerprinted,
                .compressible = true};
    }
    void deploy(const std::vector<Present>& build) {
        now += 1h;
        ledger->take_in(build);
    }
    bool removed(const std::string& path) const { return ledger->removed(path).has_value(); }
    std::string offer(const std::string& path, const std::string& word, std::size_t size = 2000) const {
        const auto offer = ledger->offer_of(path, hash(word, size));
        return offer ? offer->match : "none";
    }

    TemporaryFolder folder;
    Log log{2, LogLevel::Off};
    Limits limits;
    WallTime now{1'800'000'000s};
    std::shared_ptr<Contents> contents;
    std::shared_ptr<Ledger> ledger;
    std::vector<std::string> told;
};

const std::string kOne = "/a/index-BkS2dFq1.js", kTwo = "/a/index-Dx7wR2gT.js", kThree = "/a/index-Ab3dEf9h.js";

}  // namespace

SCENARIO("a fingerprinted file that a deploy removed may be sent for thirty days") {
    Site site;
    site.deploy({site.file(kOne, "one")});
    site.deploy({site.file(kTwo, "two")});
    const auto seen = site.ledger->removed(kOne);
    REQUIRE(seen);
    CHECK(seen->content == Site::hash("one"));
    CHECK(seen->size == 2003);
    CHECK(seen->modified == WallTime{1s});
    CHECK((*site.ledger->read(seen->content))->view() == Site::text("one"));
    THEN("from when it went") {
        CHECK(seen->until == site.now + 24h * 30);
        site.now += 24h * 30 - 1s;
        CHECK(site.removed(kOne));
        site.now += 1s;
        CHECK_FALSE(site.removed(kOne));
    }
    THEN("also after a restart") {
        site.open();
        CHECK(site.removed(kOne));
        site.now += 24h * 30;
        CHECK_FALSE(site.removed(kOne));
    }
    THEN("until it is purged") {
        site.ledger->forget(kOne);
        CHECK_FALSE(site.removed(kOne));
        CHECK_FALSE(site.contents->kept(Site::hash("one")));
        site.open();
        CHECK_FALSE(site.removed(kOne));
    }
    THEN("and when it comes back, it is the folder's again") {
        site.deploy({site.file(kOne, "one")});
        CHECK(site.ledger->stats().present == 1);
        site.now += 24h * 100;
        site.ledger->prune();
        CHECK(site.removed(kOne));  // should the folder lose it now
    }
    THEN("not one that the folder still has, as far as we know: the folder is asked first") { CHECK(site.removed(kTwo)); }
    THEN("never one whose name is not fingerprinted") {
        site.deploy({site.file("/app.js", "app", 2000, false)});
        site.deploy({});
        CHECK_FALSE(site.removed("/app.js"));
    }
    THEN("nor what was never there") { CHECK_FALSE(site.removed("/a/index-Zz9yXw8v.js")); }
}

SCENARIO("with releases.keep = 0 what is gone is gone") {
    Site site({.keep = 0s});
    site.deploy({site.file(kOne, "one")});
    site.deploy({});
    CHECK_FALSE(site.removed(kOne));
}

SCENARIO("the builds before the present one are dictionaries for it, newest first") {
    Site site;
    site.deploy({site.file(kOne, "one")});
    CHECK(site.told == std::vector{kOne});
    CHECK(site.offer(kOne, "one") == "/a/*.js");
    CHECK(site.ledger->before(kOne, Site::hash("one")).empty());
    site.deploy({site.file(kTwo, "two")});
    CHECK(site.told == std::vector{kTwo});
    site.deploy({site.file(kThree, "three")});
    CHECK(site.ledger->before(kThree, Site::hash("three")) == std::vector{Site::hash("two"), Site::hash("one")});
    CHECK(site.ledger->has(Site::hash("one")));
    CHECK_FALSE(site.ledger->has(Site::hash("zero")));
    THEN("what is gone keeps its offer, as old pages still load it") { CHECK(site.offer(kOne, "one") == "/a/*.js"); }
    THEN("an offer is of one content alone") { CHECK(site.offer(kThree, "two") == "none"); }
    THEN("a build that says the same again is no release") {
        const std::uint64_t changes = site.ledger->changes();
        site.told.clear();
        site.deploy({site.file(kThree, "three")});
        CHECK(site.told.empty());
        CHECK(site.ledger->changes() == changes);
    }
    THEN("a release counts as a change") {
        const std::uint64_t changes = site.ledger->changes();
        site.deploy({});
        CHECK(site.ledger->changes() > changes);
    }
    THEN("after a rollback the newer one is what clients have") {
        site.deploy({site.file(kTwo, "two")});
        CHECK(site.ledger->before(kTwo, Site::hash("two")) == std::vector{Site::hash("three"), Site::hash("one")});
    }
    THEN("all of it also after a restart") {
        site.open();
        CHECK(site.ledger->before(kThree, Site::hash("three")) == std::vector{Site::hash("two"), Site::hash("one")});
        CHECK(site.offer(kThree, "three") == "/a/*.js");
        CHECK(site.ledger->stats().release == 3);
    }
}

SCENARIO("a script without an ancestor of its own has the largest one of its folder") {
    Site site;
    site.deploy({site.file(kOne, "one", 9000), site.file("/a/about-BkS2dFq1.js", "about")});
    CHECK(site.offer(kOne, "one", 9000) == "/a/*.js");
    CHECK(site.offer("/a/about-BkS2dFq1.js", "about") == "/a/about-*.js");
    site.deploy({site.file(kTwo, "two", 9000), site.file("/a/fresh-BkS2dFq1.js", "fresh")});
    CHECK(site.ledger->before("/a/fresh-BkS2dFq1.js", Site::hash("fresh")) == std::vector{Site::hash("one", 9000)});
}

SCENARIO("dictionaries of the last four builds stay longer than removed files are served") {
    Site site({.keep = 24h});
    std::vector<std::string> names;
    for (const char* hash : {"Aa1bB2cC", "Bb1cC2dD", "Cc1dD2eE", "Dd1eE2fF", "Ee1fF2gG", "Ff1gG2hH"}) {
        names.push_back(std::string("/a/app-") + hash + ".js");
        site.deploy({site.file(names.back(), hash)});
        site.now += 48h;
    }
    site.ledger->prune();
    CHECK_FALSE(site.removed(names[4]));
    CHECK(site.ledger->before(names[5], Site::hash("Ff1gG2hH")).size() == 4);
    CHECK_FALSE(site.ledger->has(Site::hash("Aa1bB2cC")));
    CHECK_FALSE(site.contents->kept(Site::hash("Aa1bB2cC")));
}

SCENARIO("what is copied in pieces within two minutes is one release") {
    Site site;
    site.deploy({site.file(kOne, "one")});
    site.now += 60s;
    site.ledger->take_in({site.file(kOne, "one"), site.file(kTwo, "two")});
    CHECK(site.ledger->stats().release == 1);
    site.deploy({site.file(kThree, "three")});
    CHECK(site.ledger->stats().release == 2);
}

SCENARIO("a content under two paths stays while one of them is wanted") {
    Site site;
    site.deploy({site.file("/a/x-BkS2dFq1.js", "same"), site.file("/b/y-BkS2dFq1.js", "same")});
    site.deploy({site.file("/a/x-BkS2dFq1.js", "same")});
    site.ledger->forget("/b/y-BkS2dFq1.js");
    CHECK(site.contents->kept(Site::hash("same")));
    site.deploy({});
    site.ledger->forget("/a/x-BkS2dFq1.js");
    CHECK_FALSE(site.contents->kept(Site::hash("same")));
}

SCENARIO("no more is remembered than is allowed") {
    Site site({.records = 3});
    site.deploy({site.file(kOne, "one"), site.file("/b/z-BkS2dFq1.js", "z")});
    site.deploy({site.file(kTwo, "two"), site.file("/b/z-BkS2dFq1.js", "z")});
    CHECK(site.removed(kOne));
    site.deploy({site.file(kThree, "three"), site.file("/b/z-BkS2dFq1.js", "z")});
    CHECK_FALSE(site.removed(kOne));
    CHECK(site.removed(kTwo));
    CHECK(site.ledger->stats().present + site.ledger->stats().gone == 3);
}

SCENARIO("a file of records that is damaged is begun anew, and contents stay") {
    Site site;
    site.deploy({site.file(kOne, "one")});
    for (const auto& entry : std::filesystem::directory_iterator(site.folder.path() / "cache" / "releases")) {
        std::ofstream(entry.path(), std::ios::app) << "x";
    }
    site.open();
    CHECK(site.ledger->stats().present == 0);
    CHECK_FALSE(site.removed(kOne));
    CHECK(site.contents->kept(Site::hash("one")));
    site.deploy({site.file(kTwo, "two")});
    site.open();
    CHECK(site.ledger->stats().present == 1);
}

SCENARIO("two processes that know the same root do not harm each other") {  // an upgrade
    Site site;
    site.deploy({site.file(kOne, "one")});
    auto contents = std::make_shared<Contents>(site.folder.at("cache"), 64 << 20, site.log);
    Ledger other(site.folder.at("cache"), "/srv/www", site.limits, contents, site.log, [&site] { return site.now; });
    site.deploy({site.file(kTwo, "two")});
    other.take_in({{.path = kTwo, .content = Site::hash("two"), .size = 2003, .modified = WallTime{1s}, .fingerprinted = true}});
    CHECK(other.removed(kOne));
    site.ledger->forget(kOne);
    CHECK_FALSE(other.read(Site::hash("one")));
    CHECK_FALSE(other.removed(kOne));
}

SCENARIO("pages are remembered as dictionaries for one another, and are no releases") {  // site.page_deltas
    Site site({.pages = 5min});
    const auto page = [&](const std::string& path, const std::string& word) {
        Present present = site.file(path, word, 2000, false);
        present.offering = Offering::Page;
        return present;
    };
    site.deploy({site.file(kOne, "one"), page("/docs/a.html", "a"), page("/b.html", "b")});
    CHECK(site.told == std::vector<std::string>{kOne});
    CHECK(site.ledger->offer_of("/docs/a.html", Site::hash("a")) ==
          Offer{.match = "/docs/*", .destination = "document", .id = hex(Site::hash("a")).substr(0, 16)});
    CHECK(site.offer("/b.html", "b") == "/*");
    const auto release = site.ledger->stats().release;

    WHEN("one changes") {
        site.told.clear();
        site.deploy({site.file(kOne, "one"), page("/docs/a.html", "a2"), page("/b.html", "b")});
        CHECK(site.told.empty());
        CHECK(site.ledger->stats().release == release);
        CHECK(site.offer("/docs/a.html", "a2") == "/docs/*");
        THEN("what it was is of use for as long as browsers may have it") {
            CHECK(site.ledger->has(Site::hash("a")));
            CHECK_FALSE(site.removed("/docs/a.html"));
            site.now += 5min;
            site.ledger->prune();
            CHECK_FALSE(site.ledger->has(Site::hash("a")));
            CHECK(site.ledger->has(Site::hash("a2")));
        }
    }
    WHEN("the site does not want it any more") {
        site.ledger->set_limits({});
        site.deploy({site.file(kOne, "one")});
        CHECK_FALSE(site.ledger->has(Site::hash("a")));
    }
    WHEN("it is found again after a restart") {
        site.open();
        CHECK(site.offer("/docs/a.html", "a") == "/docs/*");
    }
}

SCENARIO("what is made of the pages is served as if it had been in the folder") {  // site.dictionary
    Site site;
    const std::string first = pages_dictionary_path(Site::hash("first")), second = pages_dictionary_path(Site::hash("second"));
    const auto made = [&](const std::string& path, const std::string& word) {
        Present present = site.file(path, word);
        present.offering = releases::Offering::Site;
        return present;
    };
    CHECK_FALSE(site.ledger->pages_dictionary());
    site.deploy({made(first, "first")});
    CHECK(site.told.empty());
    REQUIRE(site.ledger->pages_dictionary());
    CHECK(site.ledger->pages_dictionary()->path == first);
    CHECK(site.ledger->pages_dictionary_since() == site.now);
    CHECK(site.removed(first));
    CHECK(site.ledger->offer_of(first, Site::hash("first"))->match == "/*");

    WHEN("there is a better one") {
        site.deploy({made(second, "second")});
        CHECK(site.ledger->pages_dictionary()->path == second);
        THEN("clients that have the one before can use it for thirty days") {
            CHECK(site.ledger->has(Site::hash("first")));
            CHECK(site.removed(first));
            site.now += 24h * 30;
            site.ledger->prune();
            CHECK_FALSE(site.ledger->has(Site::hash("first")));
            CHECK(site.ledger->pages_dictionary()->path == second);
        }
    }
    WHEN("the site does not want it any more") {
        site.deploy({});
        CHECK_FALSE(site.ledger->pages_dictionary());
        CHECK(site.removed(first));
    }
}
