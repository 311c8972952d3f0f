// Differences between releases: made once per pair, fast and well, kept when they pay. static-delivery §5.

#include "server/representations/deltas.h"

#include <catch2/catch.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/server/catalogue/temporary_folder.h"
#include "tests/server/representations/fake_history.h"
#include "transforms/encodings/dcz.h"

using namespace selvage;
using namespace selvage::representations;
using cache_store::Purge;
using selvage::testing::FakeHistory;
using selvage::testing::TemporaryFolder;

namespace {

std::string script(int release, std::size_t size) {
    std::string text;
    for (int i = 0; text.size() < size; ++i) {
        text += "export function f" + std::to_string(i * 7919 % 10'007) + "(a,b){return a*" + std::to_string(i);
        text += i % 50 == 7 ? "-" + std::to_string(release * 31) + "}\n" : "+b}\n";
    }
    text.resize(size);
    return text;
}

// Does its work when the test says so.
class FakeQueue final : public BackgroundQueue {
public:
    bool add(const Key128& key, std::uint64_t worth, Work work) override {
        if (full) return false;
        for (auto& waiting : works) {
            if (waiting.key == key) return waiting.worth += worth, true;
        }
        works.push_back({key, worth, std::move(work)});
        return true;
    }
    void raise(const Key128& key, std::uint64_t worth) override {
        for (auto& waiting : works) {
            if (waiting.key == key) waiting.worth += worth;
        }
    }
    bool go_on() override { return !stopping; }
    std::size_t size() const override { return works.size(); }

    void run() {
        while (!works.empty()) {
            auto next = std::move(works.front());
            works.pop_front();
            next.work();
        }
    }

    struct Waiting {
        Key128 key;
        std::uint64_t worth;
        Work work;
    };
    std::deque<Waiting> works;
    bool full = false, stopping = false;
};

constexpr std::size_t kSize = 60'000;

struct Ground {
    Ground() { deltas.set_limits({}); }

    DeltaPair pair() const { return pair_of(before, after); }
    DeltaPair pair_of(const std::string& old, const std::string& now) const {
        return {.path = "/app-2.js",
                .target = sha256(now),
                .size = now.size(),
                .append_target = [now](std::string& room) -> Result<void> { return room.append(now), Result<void>(); },
                .history = history,
                .dictionary = sha256(old)};
    }
    cache_store::Floor floor_of(const DeltaPair& of) const {
        const std::vector<cache_store::Tag> tags{cache_store::source_tag(of.target)};
        return store->floor_of(tags, {});
    }
    AsOf as_of(const DeltaPair& of) const { return {.floor = floor_of(of), .birth = store->sequence()}; }
    DeltaPtr delta_of(const DeltaPair& of) { return deltas.of(of.target, of.dictionary); }
    Filled fill(const DeltaPair& of, const DeltaTerms& terms) { return deltas.fill(of, delta_of(of), as_of(of), terms); }
    void improve(const DeltaPair& of, const DeltaTerms& terms) { deltas.improve(of, delta_of(of), as_of(of), terms); }
    std::optional<Coded> find(const DeltaPair& of) { return deltas.find(*delta_of(of), floor_of(of)); }
    std::uint64_t count(http::Counter counter) const { return counters.value(counter); }
    std::string decoded(const Coded& coded, const std::string& old) const {
        const auto result = transforms::dcz_decode(coded.object->body->view(), {old, sha256(old)}, 1 << 20);
        return result ? *result : "does not decode";
    }

    const std::string before = script(1, kSize), after = script(2, kSize);
    const DeltaTerms pays{.allowed = true, .smallest_plain = 10'000};
    const DeltaTerms never{.allowed = true, .smallest_plain = 10};
    TemporaryFolder folder;
    Log log{2, LogLevel::Off};
    std::unique_ptr<cache_store::Store> store = cache_store::open_store(folder.path().string(), {}, log);
    http::Counters counters;
    FakeQueue queue;
    std::shared_ptr<FakeHistory> history = [this] {
        auto made = std::make_shared<FakeHistory>();
        made->keep(before);
        made->keep(after);
        return made;
    }();
    Deltas deltas{*store, queue, counters, log, 1};
};

}  // namespace

SCENARIO("a difference is made fast for who waits, and well in the background") {
    Ground ground;
    const DeltaPair pair = ground.pair();
    CHECK_FALSE(ground.find(pair));
    const Filled filled = ground.fill(pair, ground.pays);
    REQUIRE(filled.object);
    CHECK(filled.verdict == http::Verdict::Miss);
    auto found = ground.find(pair);
    REQUIRE(found);
    CHECK(found->interim);
    CHECK(ground.decoded(*found, ground.before) == ground.after);
    const std::size_t fast = found->object->body->size();

    ground.improve(pair, ground.pays);
    ground.queue.run();
    found = ground.find(pair);
    REQUIRE(found);
    CHECK_FALSE(found->interim);
    CHECK(ground.decoded(*found, ground.before) == ground.after);
    CHECK(found->object->body->size() <= fast);
    CHECK(ground.count(http::Counter::DeltasMade) == 2);
    THEN("once, however often it is asked for") {
        for (int i = 0; i < 3; ++i) ground.improve(pair, ground.pays);
        CHECK(ground.queue.size() == 0);
    }
    THEN("the best one is used instead of making another") {
        CHECK(ground.fill(pair, ground.pays).object);
        CHECK(ground.find(pair)->interim == false);
    }
    THEN("another process finds it on the disk") {
        for (int i = 0; i < 100 && ground.store->work_waits(); ++i) ground.store->work();
        ground.store->close();
        ground.store.reset();
        ground.store = cache_store::open_store(ground.folder.path().string(), {}, ground.log);
        for (int i = 0; i < 100 && ground.store->work_waits(); ++i) ground.store->work();
        Deltas again(*ground.store, ground.queue, ground.counters, ground.log, 1);
        const DeltaPtr delta = again.of(pair.target, pair.dictionary);
        const Filled stored = again.fill(pair, delta, ground.as_of(pair), ground.pays);
        REQUIRE(stored.object);
        CHECK(from_meta((*stored.object)->meta)->interim == false);
        CHECK(ground.count(http::Counter::DeltasMade) == 2);
    }
}

SCENARIO("requests raise the worth of what waits") {
    Ground ground;
    const DeltaPair pair = ground.pair();
    for (int i = 0; i < 3; ++i) ground.improve(pair, ground.pays);
    REQUIRE(ground.queue.size() == 1);
    CHECK(ground.queue.works.front().worth == 3 * kSize);
    THEN("what found no room is asked for again") {
        Ground crowded;
        crowded.queue.full = true;
        crowded.improve(crowded.pair(), crowded.pays);
        crowded.queue.full = false;
        crowded.improve(crowded.pair(), crowded.pays);
        CHECK(crowded.queue.size() == 1);
    }
    THEN("a server that stops leaves it") {
        ground.queue.stopping = true;
        ground.queue.run();
        CHECK_FALSE(ground.find(pair));
        CHECK(ground.count(http::Counter::DeltasFailed) == 0);
    }
}

SCENARIO("what saves too little is not kept, and not tried again") {
    Ground ground;
    const DeltaPair pair = ground.pair();
    const Filled filled = ground.fill(pair, ground.never);
    REQUIRE_FALSE(filled.object);
    CHECK(filled.object.error().code == "no_gain");
    CHECK_FALSE(ground.find(pair));
    CHECK(ground.count(http::Counter::DeltasWithoutGain) == 1);
    CHECK(ground.delta_of(pair)->useless(ground.never));
    ground.improve(pair, ground.never);
    CHECK(ground.queue.size() == 0);
    THEN("but for a client for whom it pays") {
        CHECK_FALSE(ground.delta_of(pair)->useless(ground.pays));
        CHECK(ground.fill(pair, ground.pays).object);
    }
    THEN("an unrelated dictionary is found to be one") {
        std::string unrelated(kSize, '\0');
        for (std::size_t i = 0; i < unrelated.size(); ++i) unrelated[i] = static_cast<char>(i * i * 31 >> 7);
        ground.history->keep(unrelated);
        const DeltaPair strange = ground.pair_of(unrelated, ground.after);
        CHECK_FALSE(ground.fill(strange, {.allowed = true, .smallest_plain = 3'000}).object);
        CHECK(ground.delta_of(strange)->useless({.allowed = true, .smallest_plain = 3'000}));
    }
}

SCENARIO("a purge of either content drops the difference") {
    Ground ground;
    const DeltaPair pair = ground.pair();
    REQUIRE(ground.fill(pair, ground.pays).object);
    ground.improve(pair, ground.pays);
    ground.queue.run();
    REQUIRE(ground.find(pair));
    const auto purge = [&](const Sha256& content, Purge::Effect effect) {
        REQUIRE(ground.store->purge({.effect = effect, .tags = {cache_store::source_tag(content)}}));
    };
    WHEN("it is the target") {
        purge(pair.target, Purge::Effect::Hard);
        CHECK_FALSE(ground.find(pair));
    }
    WHEN("it is the dictionary") {
        purge(pair.dictionary, Purge::Effect::Hard);
        CHECK_FALSE(ground.find(pair));
        THEN("it is made anew when it is asked for") {
            CHECK(ground.fill(pair, ground.pays).object);
            CHECK(ground.find(pair));
        }
    }
    WHEN("softly") {
        purge(pair.target, Purge::Effect::Soft);
        REQUIRE(ground.find(pair));
        CHECK(ground.find(pair)->stale);
        ground.improve(pair, ground.pays);
        ground.queue.run();
        CHECK_FALSE(ground.find(pair)->stale);
    }
}

SCENARIO("what is made while clients wait has its limits") {
    Ground ground;
    constexpr std::uint64_t kMost = 128 << 10;
    const config::Dictionaries limits{.enabled = true, .largest = 8 << 20, .on_the_fly = kMost, .at_once = 2};
    ground.deltas.set_limits(limits);
    const auto delta = [&](int i) { return ground.deltas.of(sha256("target"), sha256(std::to_string(i))); };
    THEN("too large a file is not made then") {
        CHECK_FALSE(ground.deltas.turn(delta(1), kMost + 1));
        CHECK(ground.counters.value(http::LimitHit::DictionaryOnTheFly) == 1);
    }
    THEN("two large ones at a time per core, however many wait for each") {
        auto first = ground.deltas.turn(delta(1), kMost);
        auto second = ground.deltas.turn(delta(2), kMost);
        CHECK((first && second));
        CHECK(ground.deltas.turn(delta(1), kMost));
        CHECK_FALSE(ground.deltas.turn(delta(3), kMost));
        CHECK(ground.counters.value(http::LimitHit::DictionaryAtOnce) == 1);
        first.reset();
        CHECK(ground.deltas.turn(delta(3), kMost));
    }
    THEN("of small ones as many more, but not any number") {
        std::vector<std::unique_ptr<Deltas::Turn>> turns;
        for (int i = 0; i < 8; ++i) turns.push_back(ground.deltas.turn(delta(i), 1'000));
        CHECK(std::ranges::none_of(turns, [](const auto& turn) { return turn == nullptr; }));
        CHECK_FALSE(ground.deltas.turn(delta(8), 1'000));
    }
}

TEST_CASE("a dictionary that cannot be read leads to no difference, and to no harm") {
    Ground ground;
    ground.history->unreadable = true;
    const Filled filled = ground.fill(ground.pair(), ground.pays);
    REQUIRE_FALSE(filled.object);
    CHECK(ground.count(http::Counter::DeltasFailed) == 1);
    CHECK_FALSE(ground.find(ground.pair()));
}

TEST_CASE("what is very much larger than a file is not taken for its predecessor") {
    CHECK(Deltas::may_gain(20'000, 320'000));
    CHECK_FALSE(Deltas::may_gain(20'000, 320'001));
    CHECK(Deltas::may_gain(1'024, 256 << 10));  // a dictionary made of many pages is
    CHECK_FALSE(Deltas::may_gain(1'024, (256 << 10) + 1));
    CHECK(Deltas::may_gain(320'001, 20'000));
}

SCENARIO("a release is prepared before anybody asks for it") {
    Ground ground;
    const Sha256 target = sha256(ground.after), dictionary = sha256(ground.before);
    ground.history->lineages["/app-2.js"] = {target, dictionary};
    const releases::Seen fresh{.path = "/app-2.js", .content = target, .size = kSize, .modified = {}};
    const releases::Seen first{.path = "/new-1.js", .content = target, .size = kSize, .modified = {}};
    ground.deltas.prepare(ground.history, {fresh, first});
    CHECK(ground.queue.size() == 1);  // what has no predecessor has no difference
    ground.queue.run();
    const auto found = ground.find(ground.pair());
    REQUIRE(found);
    CHECK_FALSE(found->interim);
    CHECK(ground.decoded(*found, ground.before) == ground.after);
    THEN("not when dictionaries are off, and not above their largest") {
        Ground off;
        off.history->lineages = ground.history->lineages;
        off.deltas.set_limits({.enabled = false});
        off.deltas.prepare(off.history, {fresh});
        off.deltas.set_limits({.largest = kSize - 1});
        off.deltas.prepare(off.history, {fresh});
        CHECK(off.queue.size() == 0);
    }
}

TEST_CASE("what waits when the server ends comes to nothing") {
    Ground ground;
    std::unique_ptr<Deltas::Turn> turn;
    {
        Deltas deltas(*ground.store, ground.queue, ground.counters, ground.log, 1);
        const DeltaPair pair = ground.pair();
        const DeltaPtr delta = deltas.of(pair.target, pair.dictionary);
        turn = deltas.turn(delta, kSize);
        deltas.improve(pair, delta, ground.as_of(pair), ground.pays);
    }
    REQUIRE(ground.queue.size() == 1);
    ground.queue.run();
    CHECK_FALSE(ground.find(ground.pair()));
    turn.reset();
}
