#include "server/catalogue/predecessors.h"

#include <catch2/catch.hpp>

#include <string>

#include "server/catalogue/folder_catalogue.h"
#include "tests/server/catalogue/temporary_folder.h"

using namespace selvage;
using namespace selvage::catalogue;
using namespace std::chrono_literals;
using selvage::testing::TemporaryFolder;

namespace {

Source source(const std::string& path, const std::string& content, bool image = true) {
    Source made;
    made.path = path;
    made.content = sha256(content);
    made.etag = etag_text(made.content);
    made.size = content.size();
    if (image) {
        made.image =
            transforms::Probe{.format = transforms::Format::Jpeg, .width = 8, .height = 4, .animated = false, .alpha = false};
    }
    return made;
}

std::string etag(const std::string& content) { return etag_text(sha256(content)); }
std::string etag(const PredecessorPtr& before) { return before ? before->source->etag : "none"; }

// The beginning of a JPEG of 100 × 100 pixels, and something that makes it another one.
std::string jpeg(const std::string& rest) {
    using namespace std::string_view_literals;
    constexpr auto kHead = "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc0\0\x11\x08\0\x64\0\x64\3\1\x22\0"sv;
    std::string bytes = rest;
    return bytes.insert(0, kHead);
}

const SteadyTime kNow{1h};

}  // namespace

SCENARIO("an image that changes has a predecessor") {
    Predecessors known(100);
    CHECK(known.succeed(source("/a.jpg", "old"), kNow) == nullptr);
    const auto before = known.succeed(source("/a.jpg", "new"), kNow + 1min);
    REQUIRE(before);
    CHECK(before->source->etag == etag("old"));
    CHECK(before->source->path == "/a.jpg");
    CHECK(before->source->size == 3);
    CHECK(before->source->image->width == 8);
    CHECK(before->replaced == kNow + 1min);
    CHECK(!before->source->bytes);
    CHECK(!before->source->file);

    THEN("the same content, looked at again, has the same one") {
        CHECK(known.succeed(source("/a.jpg", "new"), kNow + 5min) == before);
    }
    THEN("it is one step back, not more") {
        const auto next = known.succeed(source("/a.jpg", "newest"), kNow + 10min);
        CHECK(etag(next) == etag("new"));
        CHECK(!next->source->predecessor);
    }
    THEN("other paths have none") { CHECK(known.succeed(source("/b.jpg", "new"), kNow) == nullptr); }
    THEN("what comes after the path was gone succeeds nobody") {
        known.forget("/a.jpg");
        CHECK(known.succeed(source("/a.jpg", "again"), kNow + 10min) == nullptr);
    }
}

SCENARIO("a file that is written over is seen while that goes on") {
    Predecessors known(100);
    known.succeed(source("/a.jpg", "old"), kNow);
    WHEN("it is empty for a moment") {
        CHECK(etag(known.succeed(source("/a.jpg", "", false), kNow + 1min)) == etag("old"));
        const auto before = known.succeed(source("/a.jpg", "new"), kNow + 2min);
        CHECK(etag(before) == etag("old"));
        CHECK(before->replaced == kNow + 1min);
    }
    WHEN("half of it is there for a moment") {
        known.succeed(source("/a.jpg", "ha"), kNow + 1min);
        CHECK(etag(known.succeed(source("/a.jpg", "half"), kNow + 1min + 1s)) == etag("old"));
        CHECK(etag(known.succeed(source("/a.jpg", "next"), kNow + 1h)) == etag("half"));
    }
}

TEST_CASE("what was never an image has no predecessors and costs nothing") {
    Predecessors known(100);
    known.succeed(source("/a.css", "old", false), kNow);
    CHECK(known.succeed(source("/a.css", "new", false), kNow + 1min) == nullptr);
    CHECK(known.size() == 0);
}

TEST_CASE("as many paths are known as may be") {
    Predecessors known(10);
    for (int i = 0; i < 1000; ++i) known.succeed(source("/" + std::to_string(i), "old"), kNow);
    CHECK(known.size() <= 10);
}

TEST_CASE("a folder's images know what they were") {
    TemporaryFolder folder;
    Log log(2, LogLevel::Off);
    // Without a watch each look is at the disk, half a second after the one before.
    std::chrono::nanoseconds passed{0};
    Surroundings surroundings{.steady = [&] { return kNow + passed; }, .watch = false};
    const auto files = *open_catalogue(folder.path().string(), {}, log, std::move(surroundings));
    const auto look = [&] {
        passed += 5s;
        const auto entry = files->resolve("/a.jpg");
        REQUIRE(entry);
        const auto* found = std::get_if<SourcePtr>(&*entry);
        return found ? *found : nullptr;
    };
    folder.write("a.jpg", jpeg("old"));
    const SourcePtr old = look();
    CHECK(!old->predecessor);
    folder.write("a.jpg", jpeg("newer"));
    const SourcePtr next = look();
    REQUIRE(next->predecessor);
    CHECK(next->predecessor->source->content == old->content);
    CHECK(next->predecessor->source->last_modified == old->last_modified);
    CHECK(look()->predecessor == next->predecessor);

    THEN("a file that was deleted leaves none") {
        std::filesystem::remove(folder.path() / "a.jpg");
        CHECK(!look());
        folder.write("a.jpg", jpeg("again"));
        CHECK(!look()->predecessor);
    }
}
