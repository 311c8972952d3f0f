#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/cache_store/torture/disk.h"
#include "tests/cache_store/torture/run.h"

using namespace selvage;
using namespace selvage::torture;

// Many threads and a disk that fails: what one of them finds is what somebody put, and younger than each purge that was
// acknowledged before it asked. The order of everything else is not known here; model_test.cc has it, one thread at a time.

namespace {

constexpr std::uint32_t kKeys = 32;

Version version_of(std::uint32_t key, std::uint32_t number, std::uint64_t birth) {
    return {.key = key,
            .number = number,
            .bytes = 1000 + key * 1500 + (key % 16 == 0 ? 400'000 : 0),
            .meta_bytes = 40,
            .created = Trial::kEpoch,
            .cost_ms = 100,
            .birth = birth,
            .lifetimes = cache_store::kForever};
}

bool is_right(std::uint32_t key, const Object& object, std::uint64_t purged) {
    const auto told = told_by(object.meta);
    if (!told || told->first != key || object.birth < purged) return false;
    const auto version = version_of(key, told->second, object.birth);
    return object.meta == meta_of(version) && object.body && object.body->view() == body_of(version);
}

// What the threads share beside the store.
struct Shared {
    Trial& trial;
    Store& store = trial.store();
    std::atomic<std::uint64_t> purged{0};  // the newest purge of everything that was acknowledged
    std::atomic<std::uint32_t> versions{0};
    std::atomic<std::uint64_t> wrong{0}, found{0};
    std::atomic<bool> over{false};

    void look(std::uint32_t key, std::uint64_t way) {
        const auto before = purged.load();
        const auto floor = store.floor_of(request_tags(key), request_path(key));
        const auto result = way == 0   ? store.find(store_key(key), floor)
                            : way == 1 ? store.fetch_now(store_key(key), floor)
                                       : store.fetch(store_key(key), floor);
        if (!result) return;
        ++found;
        if (!is_right(key, *result.object, before)) ++wrong;
    }
    void serve(Dice dice, int operations) {
        for (int done = 0; done < operations; ++done) {
            const auto key = static_cast<std::uint32_t>(dice.roll(kKeys));
            const auto birth = store.sequence();
            const auto drawn = dice.roll(40);
            if (drawn < 12) {
                store.put(store_key(key), object_of(version_of(key, ++versions, birth)), Keep::Anywhere);
            } else if (drawn == 12) {
                store.erase(store_key(key));
            } else if (drawn == 13) {
                store.refresh(store_key(key), cache_store::kForever);
            } else if (drawn == 14) {
                store.open(store_key(key), {});
            } else {
                look(key, dice.roll(3));
            }
        }
    }
    void purge_now_and_then(Dice dice) {
        while (!over) {
            const auto done = store.purge(purge_of(Purge::Effect::Hard, Target::Everything, 0));
            if (done) purged = *done;
            for (auto pause = dice.roll(2000); pause > 0 && !over; --pause) std::this_thread::yield();
        }
    }
    void write() {
        while (!over) {
            store.work();
            trial.advance(std::chrono::milliseconds(100));
            std::this_thread::yield();
        }
    }
};

Fate now_and_then(std::atomic<std::uint64_t>& calls, const Call& call) {
    Dice luck(++calls);
    if (!luck.one_in(20)) return {};
    const bool transfer = call.kind == Call::Kind::Read || call.kind == Call::Kind::ReadNow || call.kind == Call::Kind::Write;
    if (transfer && luck.one_in(2)) return {.longest = luck.roll(5000)};
    return {.error = luck.one_in(2) ? EIO : ENOSPC};
}

}  // namespace

TEST_CASE("what many threads find on a failing disk is whole, and younger than what was purged before", "[torture]") {
    for (auto seed = first_seed(); seed < first_seed() + rounds(2); ++seed) {
        const Ground ground;
        Disk disk;
        Trial trial(ground.path(), {}, Dice(seed));
        trial.open(disk);
        std::atomic<std::uint64_t> calls{seed * 1'000'000};
        disk.rule([&](const Call& call) { return now_and_then(calls, call); });

        Shared shared{.trial = trial};
        Dice dice(seed);
        std::vector<std::thread> background, clients;
        background.emplace_back([&] { shared.write(); });
        background.emplace_back([&, luck = dice.fork()] { shared.purge_now_and_then(luck); });
        for (int client = 0; client < 3; ++client) clients.emplace_back([&, luck = dice.fork()] { shared.serve(luck, 1500); });
        for (auto& client : clients) client.join();
        shared.over = true;
        for (auto& each : background) each.join();

        disk.rule({});
        trial.close(false);
        INFO("SELVAGE_TORTURE_SEED=" << seed);
        CHECK(shared.wrong == 0);
        CHECK(shared.found > 100);
    }
}
