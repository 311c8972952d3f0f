// What becomes of the codings of a file: made fast, made well, purged, made anew.

#include "server/representations/codings.h"

#include <catch2/catch.hpp>

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/http/growing_body.h"
#include "server/representations/niced_queue.h"
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
    explicit Ground(std::size_t size) : Ground(text(size)) {}
    explicit Ground(std::string content) : file(std::make_shared<OneFile>(std::move(content))), of(codings.of(*file->source)) {}

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
    void improve(std::string_view accept_encoding = "") {
        const auto accepted = http::parse_accept_encoding(accept_encoding);
        codings.improve(of, file, file->source, floor(), &accepted);
    }
    void drain() const {
        while (queue.size() > 0 || queue.busy()) std::this_thread::yield();
    }
    void improve_and_wait() {
        improve();
        drain();
    }
    std::uint64_t size_of(Coding coding) const {
        std::size_t row = 0;
        while (transforms::kCodings[row].coding != coding) ++row;
        return of->sizes()[row];
    }
    void purge(Purge::Effect effect) {
        REQUIRE(store->purge({.effect = effect, .tags = {cache_store::source_tag(file->source->content)}}));
    }

    TemporaryFolder folder;
    Log log{2, LogLevel::Off};
    std::unique_ptr<cache_store::Store> store = cache_store::open_store(folder.path().string(), {}, log);
    http::Counters counters;
    NicedQueue queue{{}, [] { return 0.0; }, counters, std::chrono::milliseconds(0)};
    Codings codings{*store, queue, counters, log};
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
    ground.store->erase(Codings::key(*ground.file->source, Coding::Gzip, transforms::Effort::Best));
    CHECK_FALSE(ground.find());
    REQUIRE(ground.fill(ground.codings.as_of(ground.floor())).object);
    CHECK(ground.find()->interim);
    ground.improve_and_wait();
    CHECK_FALSE(ground.find()->interim);
}

// ---- which is made first, and which is kept

namespace {

// Catches what is made of which coding, in order: the queue's thread asks for the content before each.
class Asked final : public BackgroundQueue {
public:
    bool add(const Key128&, std::uint64_t worth, Work work) override {
        if (full) return false;
        worths.push_back(worth);
        waiting.push_back(std::move(work));
        return true;
    }
    void raise(const Key128&, std::uint64_t worth) override { raised += worth; }
    std::size_t size() const override { return waiting.size(); }
    bool step() {
        if (waiting.empty()) return false;
        auto work = std::move(waiting.back());
        waiting.pop_back();
        work();
        return true;
    }

    std::vector<Work> waiting;
    std::vector<std::uint64_t> worths;
    std::uint64_t raised = 0;
    bool full = false;
};

struct Steps {
    explicit Steps(std::string content) : file(std::make_shared<OneFile>(std::move(content))), of(codings.of(*file->source)) {}

    void ask(std::string_view accept_encoding, int times = 1) {
        const auto accepted = http::parse_accept_encoding(accept_encoding);
        for (int i = 0; i < times; ++i) codings.improve(of, file, file->source, {}, &accepted);
    }
    std::optional<Coded> find(Coding coding) { return codings.find(*of, coding, {}); }
    std::string there() {
        std::string tokens;
        for (const auto& row : transforms::kCodings) {
            if (find(row.coding)) tokens += std::string(row.token) + " ";
        }
        return tokens;
    }
    void all_steps() {
        while (queue.step()) {
        }
    }

    TemporaryFolder folder;
    Log log{2, LogLevel::Off};
    std::unique_ptr<cache_store::Store> store = cache_store::open_store(folder.path().string(), {}, log);
    http::Counters counters;
    Asked queue;
    Codings codings{*store, queue, counters, log};
    std::shared_ptr<OneFile> file;
    ContentCodingsPtr of;
};

}  // namespace

TEST_CASE("the coding that serves most requests best is made first") {
    Steps steps(text(50'000));
    SECTION("browsers take br, whatever else they take") {
        steps.ask("gzip, deflate, br, zstd");
        steps.queue.step();
        CHECK(steps.there() == "br ");
    }
    SECTION("more of the clients take gzip alone") {
        steps.ask("br");
        steps.ask("gzip", 2);
        steps.queue.step();
        CHECK(steps.there() == "gzip ");
        steps.queue.step();
        CHECK(steps.there() == "br gzip ");
    }
    SECTION("one that does not take br takes zstd") {
        steps.ask("gzip, zstd");
        steps.queue.step();
        CHECK(steps.there() == "zstd ");
    }
    steps.all_steps();
    CHECK(steps.there() == "zstd br gzip ");
}

TEST_CASE("each request of what waits raises its worth by its bytes; told when they have doubled") {
    Steps steps(text(50'000));
    steps.ask("br", 1'000);
    CHECK(steps.queue.worths == std::vector<std::uint64_t>{50'000});
    CHECK(steps.queue.raised == 511 * 50'000);  // 1 + 2 + 4 … + 256
    steps.all_steps();
    const auto before = steps.queue.raised;
    steps.ask("br", 1'000);
    CHECK(steps.queue.raised == before);
    CHECK(steps.queue.waiting.empty());
}

TEST_CASE("what found the queue full is asked for again by the next request") {
    Steps steps(text(50'000));
    steps.queue.full = true;
    steps.ask("br");
    steps.queue.full = false;
    steps.ask("br");
    steps.all_steps();
    CHECK(steps.there() == "zstd br gzip ");
}

TEST_CASE("a coding that is no better than gzip is not kept, whichever was first") {  // static-delivery §3
    // What repeats is told by all three alike; the rest by none: a few bytes apart.
    std::mt19937 random(1);
    std::string noise;
    for (int i = 0; i < 20'000; ++i) noise += static_cast<char>(random());
    const std::string content = noise + std::string(20'000, 'a');
    for (const char* first : {"br", "gzip"}) {
        Steps steps(content);
        steps.ask(first);
        steps.all_steps();
        CHECK(steps.there() == "gzip ");
        CHECK(steps.of->sizes()[1] == kUnknown);
        // Who takes no gzip has it made fast.
        const auto fast = steps.codings.fill(*steps.file, *steps.file->source, Coding::Brotli, {}, {}, [](Filled) {});
        CHECK(fast.object);
        CHECK(steps.find(Coding::Brotli)->interim);
        steps.ask("br");
        CHECK(steps.queue.waiting.empty());  // it was tried
    }
}

TEST_CASE("of a file that is too small to be coded while a client waits, every coding that saves is kept") {
    Steps steps(std::string(600, 'a'));
    steps.ask("br");
    steps.all_steps();
    CHECK(steps.there() == "zstd br gzip ");
}

TEST_CASE("what a verified sidecar has is not made again") {
    auto content = text(50'000);
    Steps steps(content);
    auto with = std::make_shared<catalogue::Source>(*steps.file->source);
    with->sidecars.push_back({.coding = Coding::Brotli, .size = 10, .verified = true});
    const auto accepted = http::parse_accept_encoding("br");
    steps.codings.improve(steps.of, steps.file, with, {}, &accepted);
    steps.all_steps();
    CHECK(steps.there() == "zstd gzip ");
}

namespace {
std::string large_text() {
    std::string content;
    while (content.size() <= kLargeContent) content += text(1'000'000);
    return content;
}
}  // namespace

TEST_CASE("a large content has something better soon, and the best afterwards") {  // static-delivery §4: above 8 MB
    Steps steps(large_text());
    steps.ask("gzip, zstd");
    steps.queue.step();
    auto found = steps.find(Coding::Zstd);
    REQUIRE(found);
    CHECK((found->stage == Stage::Better && found->interim));
    CHECK_FALSE(steps.store->on_disk(Codings::key(*steps.file->source, Coding::Zstd, transforms::Effort::Background)));
    while (steps.find(Coding::Zstd)->interim) REQUIRE(steps.queue.step());
    found = steps.find(Coding::Zstd);
    CHECK(found->stage == Stage::Best);
    CHECK(transforms::row_of(Coding::Zstd).decode(found->object->body->view(), 10'000'000) == steps.file->source->bytes->view());
    CHECK_FALSE(steps.store->find(Codings::key(*steps.file->source, Coding::Zstd, transforms::Effort::Background), {}));
}

TEST_CASE("the same content under another name, or in another folder, is made once") {
    Steps steps(text(50'000));
    steps.ask("br");
    steps.all_steps();
    const auto before = steps.counters.value(http::Counter::CodingsMade);
    auto renamed = std::make_shared<catalogue::Source>(*steps.file->source);
    renamed->path = "/assets/app-Bx7Kq2Lp.js";
    renamed->serial = catalogue::next_serial();
    const auto of = steps.codings.of(*renamed);
    const auto accepted = http::parse_accept_encoding("br");
    steps.codings.improve(of, steps.file, renamed, {}, &accepted);
    CHECK(steps.queue.waiting.empty());
    CHECK(steps.codings.find(*of, Coding::Brotli, {}));
    CHECK(steps.counters.value(http::Counter::CodingsMade) == before);
}

TEST_CASE("after a restart the smallest of what is on the disk is chosen at once") {
    TemporaryFolder folder;
    Log log{2, LogLevel::Off};
    http::Counters counters;
    Asked queue;
    OneFile file(text(50'000));
    {
        const auto store = cache_store::open_store(folder.path().string(), {}, log);
        Codings codings(*store, queue, counters, log);
        for (const auto& improved : codings.improve_now(file, *file.source, [] { return true; }))
            CHECK(improved.how == Codings::Improved::How::Made);
        store->close();
    }
    const auto store = cache_store::open_store(folder.path().string(), {}, log);
    while (store->work_waits()) store->work();
    Codings codings(*store, queue, counters, log);
    const auto sizes = codings.of(*file.source)->sizes();
    CHECK(sizes[1] != kUnknown);
    CHECK(sizes[1] < sizes[0]);
    CHECK(sizes[0] < sizes[2]);
    for (const auto& improved : codings.improve_now(file, *file.source, [] { return true; }))
        CHECK(improved.how == Codings::Improved::How::There);
}
