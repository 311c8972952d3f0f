#include <catch2/catch.hpp>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

#include "tests/cache_store/torture/disk.h"
#include "tests/cache_store/torture/run.h"

using namespace selvage;
using namespace selvage::torture;
using namespace std::chrono_literals;

// A disk on which one call stands still: nothing that an event loop asks of the store stands still with it. (cache-store R7)

namespace {

// Holds the first call of a kind until it is opened.
class Barrier {
public:
    explicit Barrier(Call::Kind kind) : kind_(kind) {}

    Fate operator()(const Call& call) {
        std::unique_lock lock(mutex_);
        if (call.kind != kind_ || open_ || held_) return {};
        held_ = true;
        changed_.notify_all();
        changed_.wait(lock, [&] { return open_; });
        held_ = false;
        return {};
    }
    bool wait_until_held() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 20s, [&] { return held_; });
    }
    bool holds() {
        const std::lock_guard lock(mutex_);
        return held_;
    }
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }

private:
    const Call::Kind kind_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false, held_ = false;
};

Version version_of(std::uint32_t key, std::uint32_t bytes = 20'000) {
    return {.key = key,
            .bytes = bytes,
            .meta_bytes = 64,
            .created = Trial::kEpoch,
            .cost_ms = 100,
            .lifetimes = cache_store::kForever};
}

// All that may not wait, each by name.
std::vector<std::pair<std::string, std::function<void()>>> what_never_waits(Store& store) {
    return {
        {"find", [&] { store.find(store_key(1), {}); }},
        {"find of nothing", [&] { store.find(store_key(999), {}); }},
        {"on_disk", [&] { static_cast<void>(store.on_disk(store_key(2))); }},
        {"put", [&] { store.put(store_key(500), object_of(version_of(500)), Keep::Anywhere); }},
        {"put again", [&] { store.put(store_key(500), object_of(version_of(500)), Keep::Anywhere); }},
        {"refresh", [&] { store.refresh(store_key(3), {1, 2, 3}); }},
        {"erase", [&] { store.erase(store_key(4)); }},
        {"sequence", [&] { static_cast<void>(store.sequence()); }},
        {"floor_of", [&] { static_cast<void>(store.floor_of(request_tags(1), request_path(1))); }},
        {"work_waits", [&] { static_cast<void>(store.work_waits()); }},
        {"stats", [&] { static_cast<void>(store.stats()); }},
        {"fetch_now", [&] { store.fetch_now(store_key(5), {}); }},
        {"fetch_now of what waits to be written", [&] { store.fetch_now(store_key(500), {}); }},
    };
}

// A store with objects in memory and on the disk, and a call that waits in a thread of its own.
struct Stalled {
    Ground ground;
    Disk disk;
    Trial trial{ground.path(), {}, Dice(1)};
    std::optional<Barrier> barrier;

    Stalled() {
        trial.open(disk);
        for (std::uint32_t key = 0; key < 60; ++key) {
            trial.store().put(store_key(key), object_of(version_of(key)), Keep::Anywhere);
        }
        trial.advance(5s);
        trial.work_off();
    }

    void stall(Call::Kind kind, const std::function<void(Store&)>& blocked) {
        auto& store = trial.store();
        barrier.emplace(kind);
        disk.rule([this](const Call& call) { return (*barrier)(call); });
        auto stalled = std::async(std::launch::async, [&] { blocked(store); });
        const bool held = barrier->wait_until_held();
        CHECK(held);
        if (held) all_go_on(store);
        barrier->open();
        stalled.get();
        goes_on_afterwards(store);
    }

    void all_go_on(Store& store) {
        for (auto& [name, act] : what_never_waits(store)) {
            auto done = std::async(std::launch::async, act);
            const bool in_time = done.wait_for(20s) == std::future_status::ready;
            INFO(name);
            CHECK(in_time);
            CHECK(barrier->holds());
            if (!in_time) barrier->open();  // or this test would wait for ever
        }
    }
    void goes_on_afterwards(Store& store) {
        store.put(store_key(700), object_of(version_of(700)), Keep::Anywhere);
        trial.advance(5s);
        trial.work_off();
        CHECK(store.stats().disk.online);
        CHECK(store.on_disk(store_key(700)));
    }
};

void write_much(Stalled& stalled, Store& store) {
    for (std::uint32_t key = 100; key < 400; ++key) {
        store.put(store_key(key), object_of(version_of(key)), Keep::Anywhere);
        if (key % 40 == 0) stalled.trial.work_off();
    }
    stalled.trial.work_off();
}

}  // namespace

TEST_CASE("while the disk stands still in a write, nobody who asks for what is in memory waits", "[torture]") {
    Stalled stalled;
    const auto kind = GENERATE(Call::Kind::Write, Call::Kind::Sync, Call::Kind::Allocate);
    stalled.stall(kind, [&](Store& store) { write_much(stalled, store); });
}

TEST_CASE("nor while it stands still in a read", "[torture]") {
    Stalled stalled;
    const bool parts = GENERATE(false, true);
    if (parts) {
        stalled.trial.store().put(store_key(80), object_of(version_of(80, 700'000)), Keep::Anywhere);
        stalled.trial.advance(5s);
        stalled.trial.work_off();
    }
    stalled.stall(Call::Kind::Read, [&](Store& store) {
        if (parts) {
            store.open(store_key(80), {});
            store.fetch(store_key(80), {});
        }
        for (std::uint32_t key = 0; key < 60; ++key) store.fetch(store_key(key), {});
    });
}

TEST_CASE("nor while a purge is being made durable", "[torture]") {
    Stalled stalled;
    stalled.stall(Call::Kind::Sync, [](Store& store) { CHECK(store.purge(purge_of(Purge::Effect::Hard, Target::Label, 1))); });
}

TEST_CASE("nor while segments are removed or others are opened", "[torture]") {
    Stalled stalled;
    stalled.stall(Call::Kind::Unlink, [](Store& store) {
        store.set_limits({.memory_bytes = 3ULL << 20, .disk_bytes = 0, .disk_write_rate = 0});
        store.set_limits({.memory_bytes = 3ULL << 20, .disk_bytes = 9ULL << 20, .disk_write_rate = 0});
    });
}

TEST_CASE("nor while what a restart found is being indexed", "[torture]") {
    Stalled stalled;
    stalled.trial.close(true);
    stalled.trial.open(stalled.disk);
    stalled.stall(Call::Kind::Read, [&](Store&) { stalled.trial.work_off(); });
}
