// What becomes of the codings of a file: made fast, made well, purged, made anew.

#include "server/representations/codings.h"

#include <catch2/catch.hpp>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/http/growing_body.h"
#include "tests/server/catalogue/temporary_folder.h"

using namespace selvage;
using namespace selvage::representations;
using cache_store::Floor;
using cache_store::Purge;
using selvage::testing::TemporaryFolder;
using transforms::Coding;

namespace {

std::string text(std::size_t size) {
    std::string lines;
    for (int i = 0; lines.size() < size; ++i) lines += "line " + std::to_string(i) + " of what compresses\n";
    lines.resize(size);
    return lines;
}

class OneFile final : public catalogue::Catalogue {
public:
    explicit OneFile(std::string content) {
        auto file = std::make_shared<catalogue::Source>();
        file->path = "/app.js";
        file->size = content.size();
        file->content = sha256(content);
        file->compressible = true;
        file->bytes = make_blob(std::move(content));
        source = std::move(file);
    }
    std::optional<catalogue::Finding> find(std::string_view, SteadyTime) override { return std::nullopt; }
    Result<catalogue::Entry> resolve(const std::string&) override { return catalogue::Absent{}; }
    Result<std::string> read(const catalogue::Source& of) override { return std::string(of.bytes->view()); }
    void forget(const std::string&) override {}

    catalogue::SourcePtr source;
};

struct Ground {
    explicit Ground(std::size_t size) : file(std::make_shared<OneFile>(text(size))), of(codings.of(*file->source)) {}

    Filled fill(const AsOf& as_of) {
        return codings.fill(*file, *file->source, Coding::Gzip, as_of, {},
                            [this](Filled announcement) { announced.push_back(std::move(announcement)); });
    }
    // Of who asks for the file now.
    Floor floor() const {
        const std::vector<cache_store::Tag> tags{cache_store::source_tag(file->source->content)};
        return store->floor_of(tags, {});
    }
    std::optional<Coded> find() { return codings.find(*of, Coding::Gzip, floor()); }
    void improve() { codings.improve(of, file, file->source, floor()); }
    void improve_and_wait() {
        improve();
        std::promise<void> done;  // the lane has one thread, which does one thing after another
        pool.detach(loop::WorkPool::Lane::Background, [&] { done.set_value(); });
        done.get_future().wait();
    }
    void purge(Purge::Effect effect) {
        REQUIRE(store->purge({.effect = effect, .tags = {cache_store::source_tag(file->source->content)}}));
    }

    TemporaryFolder folder;
    Log log{2, LogLevel::Off};
    std::unique_ptr<cache_store::Store> store = cache_store::open_store(folder.path().string(), {}, log);
    http::Counters counters;
    loop::WorkPool pool{1};
    Codings codings{*store, pool, counters, log};
    std::shared_ptr<OneFile> file;
    ContentCodingsPtr of;
    std::vector<Filled> announced;
};

std::uint64_t made(const Ground& ground) { return ground.counters.value(http::Counter::CodingsMade); }

}  // namespace

TEST_CASE("the fast coding is used until the best one has been made") {
    Ground ground(50'000);
    CHECK_FALSE(ground.find());
    const Filled filled = ground.fill(ground.codings.as_of(ground.floor()));
    REQUIRE(filled.object);
    CHECK(filled.verdict == http::Verdict::Miss);
    CHECK(ground.announced.empty());  // it is small
    auto found = ground.find();
    REQUIRE(found);
    CHECK(found->interim);
    CHECK(found->object == *filled.object);
    ground.improve_and_wait();
    found = ground.find();
    REQUIRE(found);
    CHECK_FALSE(found->interim);
    CHECK(transforms::row_of(Coding::Gzip).decode(found->object->body->view(), 50'000) == text(50'000));
    THEN("it is made once, however often it is asked for") {
        const std::uint64_t before = made(ground);
        for (int i = 0; i < 3; ++i) ground.improve_and_wait();
        CHECK(made(ground) == before);
    }
}

TEST_CASE("the coding of a large file is announced before it is whole, and kept when it is") {
    Ground ground(3'000'000);
    const Filled filled = ground.fill(ground.codings.as_of(ground.floor()));
    REQUIRE(filled.object);
    REQUIRE(ground.announced.size() == 1);
    REQUIRE(ground.announced[0].object);
    CHECK_FALSE((*ground.announced[0].object)->body);
    CHECK(from_meta((*ground.announced[0].object)->meta)->interim);
    CHECK(ground.announced[0].growing->look(0).size == (*filled.object)->body->size());
    CHECK(ground.find()->object == *filled.object);
}

SCENARIO("codings of a file that is purged") {
    Ground ground(50'000);
    ground.improve_and_wait();
    REQUIRE(ground.find());
    REQUIRE_FALSE(ground.find()->interim);
    const std::uint64_t before = made(ground);
    WHEN("it is purged hard") {
        ground.purge(Purge::Effect::Hard);
        THEN("they are gone, and made anew") {
            CHECK_FALSE(ground.find());
            CHECK_FALSE(ground.codings.fetch_now(*ground.of, Coding::Gzip, ground.floor()));
            ground.improve_and_wait();
            REQUIRE(ground.find());
            CHECK_FALSE(ground.find()->interim);
            CHECK(made(ground) == before + transforms::kCodings.size());
        }
        THEN("they are not gone for who was purged by another name") {
            const auto other = ground.codings.find(*ground.of, Coding::Gzip, {});
            CHECK_FALSE(other);  // the source's own tag is everybody's
        }
    }
    WHEN("it is purged softly") {
        ground.purge(Purge::Effect::Soft);
        THEN("they are used as stale, until they have been made anew") {
            REQUIRE(ground.find());
            CHECK(ground.find()->stale);
            ground.improve_and_wait();
            REQUIRE(ground.find());
            CHECK_FALSE(ground.find()->stale);
            CHECK(made(ground) == before + transforms::kCodings.size());
        }
    }
}

TEST_CASE("a purge by URL concerns who asks for that URL alone") {
    Ground ground(50'000);
    ground.improve_and_wait();
    const Floor purged{.gone = ground.store->sequence() + 1, .stale = 0};
    CHECK_FALSE(ground.codings.find(*ground.of, Coding::Gzip, purged));
    CHECK(ground.codings.find(*ground.of, Coding::Gzip, {}));
}

TEST_CASE("a purge while a coding is being made wins") {
    Ground ground(50'000);
    const AsOf before = ground.codings.as_of(ground.floor());
    ground.purge(Purge::Effect::Hard);
    REQUIRE(ground.fill(before).object);
    CHECK_FALSE(ground.find());
    REQUIRE(ground.fill(ground.codings.as_of(ground.floor())).object);
    CHECK(ground.find());
}

TEST_CASE("a best coding that has been lost is made again") {
    Ground ground(50'000);
    ground.improve_and_wait();
    ground.store->erase(Codings::key(*ground.file->source, Coding::Gzip, transforms::Effort::Background));
    CHECK_FALSE(ground.find());
    REQUIRE(ground.fill(ground.codings.as_of(ground.floor())).object);
    CHECK(ground.find()->interim);
    ground.improve_and_wait();
    CHECK_FALSE(ground.find()->interim);
}
