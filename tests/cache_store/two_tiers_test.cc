#include "cache_store/two_tiers.h"

#include <catch2/catch.hpp>

#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

constexpr Tag kCats{7001}, kDogs{7002};

// A store on a disk of its own, whose work is done when it is told to.
struct Edge {
    World world;
    std::unique_ptr<Store> store;

    explicit Edge(const Limits& limits = {.memory_bytes = 64 * kMiB, .disk_bytes = 36 * kMiB, .disk_write_rate = 0}) {
        open(limits);
    }

    void open(const Limits& limits = {.memory_bytes = 64 * kMiB, .disk_bytes = 36 * kMiB, .disk_write_rate = 0}) {
        store.reset();
        store = open_two_tiers(world.folder.path(), limits, world.log, world.files, world.clocks.reader());
        work();
    }
    void work() {
        for (int piece = 0; piece < 100; ++piece) {
            world.clocks.advance(std::chrono::seconds(1));
            store->work();
            if (!store->work_waits()) break;
        }
    }
    void restart() {
        store->close();
        open();
    }
    ObjectPtr put(std::uint64_t number, Object object, Keep keep = Keep::Anywhere) {
        auto kept = shared(std::move(object));
        store->put(key_number(number), kept, keep);
        work();
        return kept;
    }
    Found find(std::uint64_t number, const Floor& floor = {}) { return store->find(key_number(number), floor); }
    Found fetch(std::uint64_t number, const Floor& floor = {}) { return store->fetch(key_number(number), floor); }
    std::uint64_t purge(Tag tag, Purge::Effect effect = Purge::Effect::Hard) {
        return store->purge({.effect = effect, .tags = {tag}}).value();
    }
    Floor floor_of(Tag tag) { return store->floor_of(std::span(&tag, 1), {}); }
};

Object tagged(std::string body, Tag tag, std::uint64_t birth = 0) {
    Object object = plain_object(std::move(body));
    object.tags = {tag};
    object.birth = birth;
    return object;
}

}  // namespace

SCENARIO("an object is found in memory, and after a restart on the disk, as it was put") {
    Edge edge;
    const auto cat = edge.put(1, tagged("a cat", kCats));
    CHECK(same(edge.find(1).object, cat));
    CHECK_FALSE(edge.find(1).stale);
    CHECK_FALSE(edge.find(2));
    CHECK(edge.store->on_disk(key_number(1)));

    edge.restart();
    CHECK(edge.store->on_disk(key_number(1)));
    CHECK(same(edge.fetch(1).object, cat));
    THEN("what was read is in memory again") { CHECK(same(edge.find(1).object, cat)); }
}

TEST_CASE("what is in the page cache is read without waiting") {
    Edge edge;
    const auto cat = edge.put(1, tagged("a cat", kCats));
    edge.store->close();
    edge.open({.memory_bytes = 0, .disk_bytes = 36 * kMiB, .disk_write_rate = 0});
    edge.work();
    REQUIRE(edge.fetch(1));  // into the page cache: what was written has gone past it
    const auto found = edge.store->fetch_now(key_number(1), {});
    // A file system that cannot say what it has at hand leaves the question to the work pool.
    if (edge.store->stats().disk.would_block == 0) CHECK(same(found.object, cat));
}

TEST_CASE("what is kept in memory only never reaches the disk, not even when it has to leave") {
    Edge edge({.memory_bytes = 2 * kMiB, .disk_bytes = 36 * kMiB, .disk_write_rate = 0});
    edge.put(0, tagged(std::string(30'000, 'i'), kCats), Keep::MemoryOnly);
    CHECK(edge.find(0));  // a hit: another would be written when it leaves
    for (std::uint64_t number = 1; number < 1000; ++number) edge.put(number, tagged(std::string(30'000, 'x'), kDogs));
    CHECK_FALSE(edge.find(0));
    CHECK_FALSE(edge.store->on_disk(key_number(0)));
}

SCENARIO("purging a tag takes all that bears it, from both tiers, and nothing else") {
    Edge edge;
    edge.put(1, tagged("a cat", kCats));
    const auto dog = edge.put(2, tagged("a dog", kDogs));
    CHECK(edge.purge(kCats) == 1);

    CHECK_FALSE(edge.find(1));
    CHECK_FALSE(edge.fetch(1));
    CHECK(same(edge.find(2).object, dog));
    CHECK(edge.store->stats().purged > 0);

    WHEN("the server starts again") {
        edge.restart();
        CHECK_FALSE(edge.fetch(1));
        CHECK(same(edge.fetch(2).object, dog));
        CHECK(edge.store->sequence() >= 1);
    }
    WHEN("it is made again") {
        const auto cat = edge.put(1, tagged("another cat", kCats, edge.store->sequence()));
        CHECK(same(edge.find(1).object, cat));
        edge.restart();
        CHECK(same(edge.fetch(1).object, cat));
    }
}

TEST_CASE("a soft purge makes stale, and a new object is fresh") {
    Edge edge;
    const auto cat = edge.put(1, tagged("a cat", kCats));
    edge.purge(kCats, Purge::Effect::Soft);
    CHECK(same(edge.find(1).object, cat));
    CHECK(edge.find(1).stale);
    edge.put(1, tagged("another cat", kCats, edge.store->sequence()));
    CHECK_FALSE(edge.find(1).stale);
}

TEST_CASE("a purge during a fill wins: what began before it is not found when it ends") {
    Edge edge;
    const std::uint64_t birth = edge.store->sequence();
    edge.purge(kCats);
    edge.put(1, tagged("made of what was purged", kCats, birth));
    CHECK_FALSE(edge.find(1));
    CHECK_FALSE(edge.fetch(1));
}

TEST_CASE("what a request is purged by concerns that request alone: under another URL the object is there") {
    Edge edge;
    const auto cat = edge.put(1, tagged("a cat", kCats));
    constexpr Tag one_url{1}, other_url{2};
    edge.purge(one_url);
    CHECK_FALSE(edge.find(1, edge.floor_of(one_url)));
    CHECK_FALSE(edge.fetch(1, edge.floor_of(one_url)));
    CHECK(same(edge.find(1, edge.floor_of(other_url)).object, cat));
}

TEST_CASE("an older object never takes a younger one's place") {
    Edge edge;
    edge.purge(kDogs);
    const auto young = edge.put(1, tagged("young", kCats, 1));
    edge.put(1, tagged("old", kCats, 0));
    CHECK(same(edge.find(1).object, young));
    edge.restart();
    CHECK(same(edge.fetch(1).object, young));
}

TEST_CASE("what was replaced never comes back from the disk, also when its successor was not worth a write") {
    Edge edge({.memory_bytes = 64 * kMiB, .disk_bytes = 36 * kMiB, .disk_write_rate = 1});
    edge.put(1, tagged(std::string(10'000, '1'), kCats));  // all that may be written for hours
    CHECK(edge.store->on_disk(key_number(1)));
    edge.put(1, tagged("its successor", kCats));
    CHECK_FALSE(edge.store->on_disk(key_number(1)));
    CHECK(edge.store->stats().admission.over_budget == 1);
}

TEST_CASE("an erase while an object is read from the disk wins") {
    Edge edge;
    edge.put(1, tagged("a cat", kCats));
    edge.restart();
    bool once = true;
    edge.world.files.before_read = [&] {
        if (std::exchange(once, false)) edge.store->erase(key_number(1));
    };
    edge.fetch(1);
    CHECK_FALSE(edge.find(1));
    CHECK_FALSE(edge.store->on_disk(key_number(1)));
}

SCENARIO("an object too large for memory is kept on the disk, and read whole or in parts") {
    Edge edge({.memory_bytes = 16 * kMiB, .disk_bytes = 68 * kMiB, .disk_write_rate = 0});
    const auto large = edge.put(1, tagged(body_number(1, 5 * kMiB), kCats));
    CHECK_FALSE(edge.find(1));
    CHECK(edge.store->on_disk(key_number(1)));

    THEN("whole: who asks at the same time shares it") {
        const auto first = edge.fetch(1);
        REQUIRE(first);
        CHECK(same(first.object, large));
        CHECK(edge.fetch(1).object == first.object);
    }
    THEN("in parts, from anywhere") {
        const auto body = edge.store->open(key_number(1), {});
        REQUIRE(body);
        CHECK(body->size() == 5 * kMiB);
        CHECK(same_head(body->object(), *large));
        std::string some(1000, '\0');
        REQUIRE(body->read(3 * kMiB - 7, some.data(), some.size()).value() > 0);
        CHECK(some.substr(0, 7) == large->body->view().substr(3 * kMiB - 7, 7));
    }
    THEN("not when it has been purged") {
        edge.purge(kCats);
        CHECK_FALSE(edge.store->open(key_number(1), {}));
        CHECK_FALSE(edge.fetch(1));
    }
    THEN("and what fits in memory is not opened but fetched") {
        edge.put(2, tagged("small", kCats));
        CHECK_FALSE(edge.store->open(key_number(2), {}));
    }
}

TEST_CASE("memory is warm again after a restart") {
    Edge edge;
    for (std::uint64_t number = 0; number < 50; ++number) edge.put(number, tagged(body_number(number, 1000), kCats));
    edge.restart();
    CHECK(edge.store->stats().warm_up.listed == 50);
    CHECK(edge.store->stats().warm_up.loaded == 50);
    CHECK(edge.store->stats().warm_up.done);
    for (std::uint64_t number = 0; number < 50; ++number) CHECK(edge.find(number));
}

TEST_CASE("an origin's word that nothing changed lengthens a life in both tiers, without writing the body again") {
    Edge edge;
    edge.put(1, tagged(std::string(100'000, 'x'), kCats));
    const auto written = edge.store->stats().disk.written_bytes;
    const Lifetimes longer{2'000'000'000, 2'000'000'100, 2'000'000'200};
    CHECK(edge.store->refresh(key_number(1), longer));
    CHECK(edge.find(1).object->lifetimes == longer);
    edge.work();
    CHECK(edge.store->stats().disk.written_bytes - written < 1'000);
    edge.restart();
    CHECK(edge.fetch(1).object->lifetimes == longer);
    CHECK_FALSE(edge.store->refresh(key_number(2), longer));
}

TEST_CASE("a limit of zero turns a tier off and empties it") {
    Edge edge;
    edge.put(1, tagged("a cat", kCats));
    edge.store->set_limits({.memory_bytes = 0, .disk_bytes = 36 * kMiB, .disk_write_rate = 0});
    CHECK_FALSE(edge.find(1));
    CHECK(edge.fetch(1));
    edge.store->set_limits({.memory_bytes = 64 * kMiB, .disk_bytes = 0, .disk_write_rate = 0});
    CHECK_FALSE(edge.fetch(1));
    CHECK(edge.store->stats().disk.objects == 0);
    edge.put(2, tagged("a dog", kDogs));
    CHECK(edge.find(2));
    CHECK_FALSE(edge.store->on_disk(key_number(2)));
}

SCENARIO("the folder is left to a successor and taken back") {
    Edge edge;
    const auto cat = edge.put(1, tagged("a cat", kCats));
    edge.store->release();

    THEN("what is there is still read, and nothing is purged by who does not own it any more") {
        CHECK(same(edge.find(1).object, cat));
        CHECK(same(edge.fetch(1).object, cat));
        CHECK_FALSE(edge.store->purge({.everything = true}));
        CHECK(same(edge.find(1).object, cat));
    }
    THEN("a successor opens it and knows what was purged") {
        auto successor = open_two_tiers(edge.world.folder.path(), {.disk_bytes = 36 * kMiB}, edge.world.log, edge.world.files,
                                        edge.world.clocks.reader());
        CHECK(successor->stats().disk.online);
        CHECK_FALSE(edge.store->reclaim());
        successor.reset();
        CHECK(edge.store->reclaim());
        edge.put(2, tagged("a dog", kDogs));
        CHECK(edge.store->on_disk(key_number(2)));
    }
}

TEST_CASE("a folder that another store has leaves memory working, and purges too") {
    Edge edge;
    auto second = open_two_tiers(edge.world.folder.path(), {}, edge.world.log, edge.world.files, edge.world.clocks.reader());
    CHECK_FALSE(second->stats().disk.online);
    second->put(key_number(1), shared(tagged("a cat", kCats)), Keep::Anywhere);
    CHECK(second->find(key_number(1), {}));
    CHECK(second->purge({.tags = {kCats}}).error().code == "not_durable");  // in force, but the disk will not know of it
    CHECK_FALSE(second->find(key_number(1), {}));
}

TEST_CASE("the owner is told when there is work, by whoever makes it") {
    Edge edge;
    int told = 0;
    edge.store->on_work([&] { ++told; });
    edge.store->put(key_number(1), shared(tagged(body_number(1, 40'000), kCats)), Keep::Anywhere);
    CHECK(told == 0);  // too little to be worth a write
    for (std::uint64_t number = 2; number < 60; ++number) {
        edge.store->put(key_number(number), shared(tagged(body_number(number, 40'000), kCats)), Keep::Anywhere);
    }
    CHECK(told == 1);
    CHECK(edge.store->work_waits());
    edge.work();
    CHECK_FALSE(edge.store->work_waits());
}

TEST_CASE("purges that are older than all that is stored are forgotten, an hour after nothing could concern them any more") {
    Edge edge;
    edge.put(1, tagged("a cat", kCats));
    edge.purge(kDogs);
    const auto remembered = [&] { return edge.store->stats().purge.tags; };
    for (int hour = 0; hour < 3; ++hour) {
        edge.world.clocks.advance(std::chrono::hours(1));
        edge.work();
    }
    CHECK(remembered() == 1);  // the cat was born before it, and could be a dog's

    edge.store->erase(key_number(1));
    edge.store->set_limits({.memory_bytes = 64 * kMiB, .disk_bytes = 0, .disk_write_rate = 0});
    for (int hour = 0; hour < 3; ++hour) {
        edge.world.clocks.advance(std::chrono::hours(1));
        edge.work();
    }
    CHECK(remembered() == 0);
}
