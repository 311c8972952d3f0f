#include "server/catalogue/folder_votes.h"

#include <catch2/catch.hpp>

#include <array>
#include <filesystem>
#include <fstream>

#include "server/catalogue/folder_catalogue.h"
#include "tests/server/catalogue/temporary_folder.h"

using namespace selvage;
using namespace selvage::catalogue;
using namespace std::chrono_literals;
using selvage::testing::TemporaryFolder;

namespace {

// Of a Vite build, by itself no more than "two words": it needs its folder.
constexpr std::string_view kWordLike = "/assets/login-CAFUGATo.css";

// As Vite names them.
constexpr auto kVite = std::to_array<std::string_view>({"vendor-a_3B-x9Q.js", "main-C2fKx9Tq.js", "index-D4kX_9aZ.css",
                                                        "logo-dQw4w9Wg.svg", "page-B7cVq1Zt.js", "shop-D3x_kQ7p.js"});

struct Site {
    Site() { std::filesystem::create_directory(tree.path() / "assets"); }

    void write(std::string_view name) const { std::ofstream(tree.path() / "assets" / std::string(name)) << name; }
    void remove(std::string_view name) const { std::filesystem::remove(tree.path() / "assets" / std::string(name)); }
    void write_vite(std::size_t count) const {
        for (std::size_t i = 0; i < count; ++i) write(kVite[i]);
    }
    Standing judge(std::string_view path, bool watched = true) { return votes.judge(**folder, path, watched, now); }

    TemporaryFolder tree;
    Result<std::shared_ptr<const origins::Folder>> folder = origins::Folder::open(tree.path().string(), {});
    FolderVotes votes{100};
    SteadyTime now{1h};
};

}  // namespace

SCENARIO("a folder vouches for names that could be words") {  // static-delivery §2
    Site site;
    site.write("login-CAFUGATo.css");
    WHEN("six of its files have the shape") {
        site.write_vite(5);
        const Standing standing = site.judge(kWordLike);
        CHECK(standing.fingerprinted);
        CHECK(standing.vote->same == 6);
        CHECK(to_string(*standing.vote) == "6 of 6 files in its folder have 8 characters of base64url after '-'");
    }
    WHEN("only five have, and another file has not") {
        site.write_vite(4);
        site.write("picture.jpg");
        CHECK_FALSE(site.judge(kWordLike).fingerprinted);
        CHECK(to_string(*site.judge(kWordLike).vote).ends_with("fewer than 6, and others do not"));
    }
    WHEN("there are only three files, but all of them have, and no other could be a word") {
        site.write_vite(2);
        CHECK(site.judge(kWordLike).fingerprinted);
    }
    WHEN("there are only two") {
        site.write_vite(1);
        CHECK_FALSE(site.judge(kWordLike).fingerprinted);
        CHECK(to_string(*site.judge(kWordLike).vote).ends_with("fewer than 6"));
    }
    WHEN("all of five have, but two of them could be words") {
        site.write_vite(3);
        site.write("other-CAFUGATo.css");
        CHECK_FALSE(site.judge(kWordLike).fingerprinted);
        CHECK(to_string(*site.judge(kWordLike).vote).ends_with("fewer than 6, and only 3 of these look random"));
    }
    WHEN("they are less than 60 % of all") {
        site.write_vite(5);
        for (int i = 0; i < 5; ++i) site.write("picture" + std::to_string(i) + ".jpg");
        CHECK_FALSE(site.judge(kWordLike).fingerprinted);
        CHECK(to_string(*site.judge(kWordLike).vote).ends_with("less than 60 %"));
    }
    WHEN("the others are pages, sidecars, folders or hidden: they have no part in it") {
        site.write_vite(5);
        for (const char* name : {"a.html", "b.html", "c.htm", "page-B7cVq1Zt.js.br", "page-B7cVq1Zt.js.gz", ".x", ".y"})
            site.write(name);
        std::filesystem::create_directory(site.tree.path() / "assets/more");
        CHECK(site.judge(kWordLike).vote->files == 6);
        CHECK(site.judge(kWordLike).fingerprinted);
    }
    WHEN("a name needs no vote, no folder is read") {
        CHECK(site.judge("/assets/main-C2fKx9Tq.js").fingerprinted);
        CHECK_FALSE(site.judge("/assets/overview.png").fingerprinted);
        CHECK(site.votes.listed() == 0);
    }
}

SCENARIO("six of a kind are no hashes for that") {
    Site site;
    THEN("photographs that are named after their days do not vouch for each other") {
        for (int day = 10; day < 30; ++day) site.write("photo-202401" + std::to_string(day) + ".jpg");
        CHECK_FALSE(site.judge("/assets/photo-20240112.jpg").fingerprinted);
    }
    THEN("nor do words of eight letters") {
        for (const char* name : {"hero-overview.jpg", "hero-products.jpg", "hero-services.jpg", "hero-contacts.jpg",
                                 "hero-pictures.jpg", "hero-projects.jpg", "ui-DatePick.js", "ui-ListView.js"})
            site.write(name);
        CHECK_FALSE(site.judge("/assets/hero-overview.jpg").fingerprinted);
        CHECK_FALSE(site.judge("/assets/ui-DatePick.js").fingerprinted);
    }
    THEN("nor do numbers of eight digits") {
        for (int id = 10000001; id < 10000020; ++id) site.write("user-" + std::to_string(id) + ".png");
        CHECK_FALSE(site.judge("/assets/user-10000007.png").fingerprinted);
    }
    THEN("a word among hashes is a word") {
        site.write_vite(6);
        site.write("hero-overview.jpg");
        const Standing standing = site.judge("/assets/hero-overview.jpg");
        CHECK_FALSE(standing.fingerprinted);
        CHECK_FALSE(standing.vote);
        CHECK(standing.until == SteadyTime::max());
    }
    THEN("a date among hexadecimal hashes is a date, but other digits are one of them") {
        for (const char* name :
             {"a.8f2a9c1d.js", "b.0d1e2f3a.js", "c.4d5e6f70.js", "d.e6c13ad2.js", "e.2f3a4b5c.js", "f.1b2c3d4e.js"})
            site.write(name);
        site.write("g.20240115.js");
        site.write("h.58717271.js");
        CHECK_FALSE(site.judge("/assets/g.20240115.js").fingerprinted);
        CHECK(site.judge("/assets/h.58717271.js").fingerprinted);
    }
}

SCENARIO("a tool's hashes vouch for each other behind another separator") {
    Site site;
    for (const char* name : {"a.1a23866f7f0cec8f.js", "b.d0693b2d2b0db2bf.js", "c.3ab325678edb8f4f.css", "d.02ebba17f036edb0.js",
                             "91465bfc24cac545.svg", "9e57b0ca7d12f3aa.svg"})
        site.write(name);
    CHECK(site.judge("/assets/91465bfc24cac545.svg").fingerprinted);
}

SCENARIO("a vote is remembered until the folder changes") {
    Site site;
    site.write("login-CAFUGATo.css");
    site.write_vite(4);
    site.write("picture.jpg");
    REQUIRE_FALSE(site.judge(kWordLike).fingerprinted);
    THEN("a watched folder is read once") {
        site.now += 1h;
        CHECK(site.judge(kWordLike).until == SteadyTime::max());
        CHECK(site.votes.listed() == 1);
    }
    THEN("who was denied is named when it changes, once") {
        CHECK(site.votes.changed("/other/file.js").empty());
        CHECK(site.votes.changed("/assets/new.js") == std::vector<std::string>{std::string(kWordLike)});
        CHECK(site.votes.changed("/assets/new.js").empty());
    }
    THEN("a change counts as soon as half a second has passed") {
        site.write_vite(6);
        site.votes.changed("/assets/page-B7cVq1Zt.js");
        const Standing before = site.judge(kWordLike);
        CHECK_FALSE(before.fingerprinted);
        CHECK(before.until <= site.now + 500ms);
        site.now += 500ms;
        CHECK(site.judge(kWordLike).fingerprinted);
    }
    THEN("a folder that changes all the time is read twice a second") {
        for (int i = 0; i < 1000; ++i) {
            site.votes.changed("/assets/log-20240101.txt");
            site.judge(kWordLike);
            site.now += 1ms;
        }
        CHECK(site.votes.listed() <= 3);
    }
    THEN("without a watch it holds for half a second") {
        site.write_vite(6);
        CHECK_FALSE(site.judge(kWordLike, false).fingerprinted);
        site.now += 501ms;
        CHECK(site.judge(kWordLike, false).fingerprinted);
    }
}

SCENARIO("a name that was voted in does not waver") {
    Site site;
    site.write("login-CAFUGATo.css");
    site.write_vite(6);
    REQUIRE(site.judge(kWordLike).fingerprinted);
    const auto change = [&site] {
        site.votes.changed("/assets/x");
        site.now += 1s;
    };
    THEN("not when other files come") {
        for (int i = 0; i < 10; ++i) site.write("picture" + std::to_string(i) + ".jpg");
        change();
        const Standing standing = site.judge(kWordLike);
        CHECK(standing.fingerprinted);
        CHECK(standing.vote->kept);
    }
    THEN("not when half of the others go") {
        for (int i = 0; i < 4; ++i) site.remove(kVite[static_cast<std::size_t>(i)]);
        change();
        CHECK(site.judge(kWordLike).fingerprinted);
    }
    THEN("but when it stands alone") {
        for (const auto name : kVite) site.remove(name);
        for (int i = 0; i < 30; ++i) site.write("picture" + std::to_string(i) + ".jpg");
        change();
        CHECK_FALSE(site.judge(kWordLike).fingerprinted);
    }
}

SCENARIO("what is remembered is bounded") {
    Site site;
    THEN("folders that are not there are not remembered") {
        for (int i = 0; i < 1000; ++i) {
            const Standing standing = site.judge("/none" + std::to_string(i) + "/login-CAFUGATo.css");
            CHECK_FALSE(standing.vote);
            CHECK(standing.until < SteadyTime::max());
        }
    }
    THEN("of a very large folder as many names are counted as it takes") {
        for (int i = 0; i < 5000; ++i) site.write("part-" + std::to_string(10'000'000 + i) + ".bin");
        const Standing standing = site.judge("/assets/part-10000001.bin");
        CHECK(standing.vote->sampled);
        CHECK(standing.vote->files == 4096);
    }
    THEN("names that nobody could be told of are asked about again") {
        site.write("login-CAFUGATo.css");
        std::size_t held = 0;
        for (int i = 0; i < 100; ++i)
            held += site.judge("/assets/x" + std::to_string(i) + "-CAFUGATo.js").until == SteadyTime::max();
        CHECK(held == 64);
    }
}

TEST_CASE("a file that was looked at while its build was still coming is immutable when the folder vouches for it") {
    Site site;
    Log log{2, LogLevel::Off};
    SteadyTime now{1h};
    const auto wall = (std::chrono::system_clock::now().time_since_epoch() + 1h) / 1ns;
    const auto catalogue = *open_catalogue(site.tree.path().string(), {}, log,
                                           {.steady = [&now] { return now; }, .wall_ns = [wall] { return wall; }});
    site.write("login-CAFUGATo.css");
    const auto source = [&] { return std::get<SourcePtr>(*catalogue->resolve(std::string(kWordLike))); };
    const SourcePtr before = source();
    REQUIRE_FALSE(before->fingerprinted);
    site.write_vite(6);
    if (catalogue->watch_descriptor() >= 0) catalogue->on_watch_readable();
    now += 3s;
    const SourcePtr after = source();
    CHECK(after->fingerprinted);
    CHECK(after->serial != before->serial);
    CHECK(after->content == before->content);
    CHECK(catalogue->stats().hashed == 1);  // nothing was read again
    THEN("a file of it that is not there yet may be coming") {
        const auto absent = *catalogue->resolve("/assets/shared-CK7718JR.js");
        CHECK(std::get<Absent>(absent).fingerprinted);
        CHECK_FALSE(std::get<Absent>(*catalogue->resolve("/assets/hero-overview.jpg")).fingerprinted);
    }
}
