#include "server/catalogue/pages_dictionary.h"

#include <catch2/catch.hpp>

#include <map>
#include <random>

#include "tests/server/catalogue/temporary_folder.h"
#include "transforms/encodings/dcz.h"

using namespace selvage;
using namespace selvage::catalogue;
using namespace std::chrono_literals;
using selvage::testing::TemporaryFolder;

namespace {

std::string noise(std::mt19937& random, std::size_t size) {
    std::string text;
    while (text.size() < size) text += static_cast<char>('a' + random() % 26);
    return text;
}

// A root whose pages share a menu, with a clock that the test moves.
struct Site {
    void set_pages(std::size_t count, unsigned menu, std::size_t menu_size = 6'000) {
        pages.clear();
        texts.clear();
        std::mt19937 common(menu), own(7);
        const std::string head = noise(common, menu_size);
        for (std::size_t i = 0; i < count; ++i) {
            const std::string text = head + noise(own, 1'000), path = "/page-" + std::to_string(i) + ".html";
            pages.push_back({.path = path, .content = sha256(text), .size = text.size()});
            texts[path] = text;
        }
    }
    // As a walk does. "": there is none.
    std::string indexed() {
        const auto made = maker.with(*ledger, pages, [this](const Page& page) {
            ++reads;
            const auto text = texts.find(page.path);
            return text == texts.end() ? std::nullopt : std::optional(text->second);
        });
        ledger->take_in(made ? std::vector{*made} : std::vector<releases::Present>{});
        const auto seen = ledger->pages_dictionary();
        CHECK(seen.has_value() == made.has_value());
        return seen ? seen->path : std::string();
    }

    TemporaryFolder cache;
    Log log{2, LogLevel::Off};
    WallTime now{1'800'000'000s};
    std::shared_ptr<releases::Contents> contents = std::make_shared<releases::Contents>(cache.path().string(), 64 << 20, log);
    std::shared_ptr<releases::Ledger> ledger = std::make_shared<releases::Ledger>(
        cache.path().string(), "/srv/www", releases::Limits{}, contents, log, [this] { return now; });
    PagesDictionary maker{log};
    std::vector<Page> pages;
    std::map<std::string, std::string> texts;
    std::size_t reads = 0;
};

}  // namespace

SCENARIO("pages that have much in common get a dictionary") {
    Site site;
    site.set_pages(40, 1);
    const std::string path = site.indexed();
    REQUIRE_FALSE(path.empty());
    const auto seen = site.ledger->pages_dictionary();
    const auto dictionary = site.ledger->read(seen->content);
    REQUIRE(dictionary);
    CHECK(path == releases::pages_dictionary_path(seen->content));
    const auto coded =
        transforms::dcz_encode(site.texts["/page-3.html"], {(*dictionary)->view(), seen->content}, transforms::kDczFast);
    REQUIRE(coded);
    CHECK(coded->size() < 1'200);  // its own text, in letters that take 4.7 bits each

    WHEN("a page changes") {
        site.now += 1h;
        site.texts["/page-0.html"] += " changed";
        site.pages[0].content = sha256(site.texts["/page-0.html"]);
        const auto before = site.reads;
        THEN("it stays, and nothing is read: not on the same day") {
            CHECK(site.indexed() == path);
            CHECK(site.reads == before);
        }
        THEN("it stays on the next day too, as another would not pay") {
            site.now += 24h;
            CHECK(site.indexed() == path);
            CHECK(site.reads > before);
        }
    }
    WHEN("all pages have another menu") {
        site.set_pages(40, 2);
        CHECK(site.indexed() == path);
        site.now += 24h;
        THEN("there is another on the next day, and the one before is known still") {
            const std::string next = site.indexed();
            CHECK(next != path);
            CHECK_FALSE(next.empty());
            CHECK(site.ledger->has(seen->content));
        }
    }
    WHEN("nothing changes for days") {
        site.now += 48h;
        const auto before = site.reads;
        CHECK(site.indexed() == path);
        CHECK(site.reads == before);
    }
    WHEN("the pages are gone") {
        site.pages.clear();
        CHECK(site.indexed().empty());
    }
}

SCENARIO("there is none where it would not pay") {
    Site site;
    WHEN("the pages are few") {
        site.set_pages(7, 1);
        CHECK(site.indexed().empty());
        CHECK(site.reads == 0);
        THEN("until there are more") {
            site.set_pages(40, 1);
            CHECK_FALSE(site.indexed().empty());
        }
    }
    WHEN("they have nothing in common") {
        std::mt19937 random(3);
        site.set_pages(40, 1);
        for (Page& page : site.pages) {
            site.texts[page.path] = noise(random, 7'000);
            page.content = sha256(site.texts[page.path]);
        }
        CHECK(site.indexed().empty());
    }
    WHEN("what is read is not what was indexed") {
        site.set_pages(40, 1);
        site.texts.clear();
        CHECK(site.indexed().empty());
    }
    WHEN("a folder is being filled") {
        site.set_pages(10, 1, 3'000);
        site.texts.clear();  // a first look that comes to nothing
        CHECK(site.indexed().empty());
        site.now += 1min;
        site.set_pages(40, 1);
        THEN("twice as many pages are looked at again, on the same day") { CHECK_FALSE(site.indexed().empty()); }
    }
}
