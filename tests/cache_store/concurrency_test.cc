#include <catch2/catch.hpp>

#include <barrier>
#include <random>
#include <thread>

#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

// Run under the thread sanitizer by the preset `tsan`. Catch's assertions are not thread-safe: threads count, the test checks.

namespace {

constexpr std::uint64_t kKeys = 60;
constexpr int kThreads = 6;

// What an object of this number may look like: its letter, its meta, one of two lengths.
bool plausible(const ObjectPtr& object, std::uint64_t number) {
    const auto body = object->body->view();
    return object->meta == fmt::format("object {}", number) && (body.size() == 500 || body.size() == 9000) &&
           body.find_first_not_of(static_cast<char>('a' + number % 26)) == std::string_view::npos;
}

// One random operation; false when an object came back that was never put under its key.
bool step(Store& store, std::mt19937_64& random) {
    const auto number = random() % kKeys;
    const auto key = key_number(number);
    const std::size_t size = random() % 2 == 0 ? 500 : 9000;
    ObjectPtr found;
    switch (random() % 10) {
        case 0:
        case 1:
            store.put(key, object_number(number, size));
            break;
        case 2:
            store.store(key, *object_number(number, size));
            break;
        case 3:
        case 4:
            found = store.on_disk(key) ? store.fetch(key) : nullptr;
            break;
        case 5:
            store.erase(key);
            break;
        default:
            found = store.find(key);
    }
    return !found || plausible(found, number);
}

}  // namespace

TEST_CASE("threads that find, put, store, fetch and erase never see another object, and the limits hold meanwhile") {
    World world;
    const Limits limits{.memory_bytes = 200 * kKiB, .disk_bytes = 24 * 4096};
    const auto store = world.open(limits);
    std::atomic<int> wrong{0}, running{kThreads};
    std::barrier together(kThreads + 1);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            std::mt19937_64 random(static_cast<std::uint64_t>(thread));
            together.arrive_and_wait();
            for (int round = 0; round < 3000; ++round) wrong += !step(*store, random);
            --running;
        });
    }
    together.arrive_and_wait();
    bool within = true;
    while (running > 0) {
        const auto stats = store->stats();
        within = within && stats.memory_bytes <= limits.memory_bytes && stats.disk_bytes <= limits.disk_bytes;
        std::this_thread::yield();
    }
    for (auto& thread : threads) thread.join();

    CHECK(wrong == 0);
    CHECK(within);
    const auto stats = store->stats();
    CHECK(stats.disk_errors == 0);
    CHECK(stats.corrupt == 0);
    CHECK(stats.memory_hits > 0);
    CHECK(stats.disk_hits > 0);
    CHECK(stats.disk_bytes == world.folder.bytes_on_disk());

    for (std::uint64_t number = 0; number < kKeys; ++number) store->erase(key_number(number));
    CHECK(store->stats().memory_bytes == 0);
    CHECK(store->stats().disk_bytes == 0);
    CHECK(world.folder.bytes_on_disk() == 0);
}

TEST_CASE("limits that change under load hold at the end") {
    World world;
    const auto store = world.open();
    std::barrier together(kThreads);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            std::mt19937_64 random(static_cast<std::uint64_t>(thread) + 100);
            together.arrive_and_wait();
            for (int round = 0; round < 500; ++round) {
                step(*store, random);
                if (round % 50 == thread) store->set_limits({.memory_bytes = random() % kMiB, .disk_bytes = random() % kMiB});
            }
        });
    }
    for (auto& thread : threads) thread.join();
    store->set_limits({.memory_bytes = 100 * kKiB, .disk_bytes = 10 * 4096});
    CHECK(store->stats().memory_bytes <= 100 * kKiB);
    CHECK(store->stats().disk_bytes <= 10 * 4096);
    CHECK(store->stats().disk_bytes == world.folder.bytes_on_disk());
}

TEST_CASE("an erase during a fetch wins: the object does not return to memory") {
    World world;
    const auto store = world.open();
    REQUIRE(store->store(key_number(1), *object_number(1, 100)) == NotStored::None);
    world.files.before_read = [&] { store->erase(key_number(1)); };
    store->fetch(key_number(1));
    CHECK(store->find(key_number(1)) == nullptr);
    CHECK_FALSE(store->on_disk(key_number(1)));
}

TEST_CASE("a file that was replaced while a bad one was read is not removed for it") {
    World world;
    const auto store = world.open();
    REQUIRE(store->store(key_number(1), *object_number(1, 100)) == NotStored::None);
    write_file(world.folder.file_of(key_number(1)), "rubbish");
    world.files.before_read = [&] { store->store(key_number(1), *object_number(1, 200)); };
    CHECK(store->fetch(key_number(1)) == nullptr);
    CHECK(same(store->fetch(key_number(1)), object_number(1, 200)));
}

TEST_CASE("find, put, on_disk and stats never wait for a thread that waits for the disk") {
    World world;
    const auto store = world.open({.memory_bytes = kMiB, .disk_bytes = 8 * 4096});
    int stalls = 0;
    const auto serve_meanwhile = [&] {  // would never return if the stalled call held what these need
        ++stalls;
        std::thread([&] {
            store->put(key_number(50), object_number(50, 10));
            store->find(key_number(50));
            store->on_disk(key_number(1));
            store->stats();
        }).join();
    };
    world.files.before_rename = world.files.before_unlink = serve_meanwhile;
    for (std::uint64_t number = 0; number < 9; ++number) {
        REQUIRE(store->store(key_number(number), *object_number(number, 100)) == NotStored::None);
    }
    world.files.before_read = serve_meanwhile;
    REQUIRE(store->fetch(key_number(8)));
    store->erase(key_number(8));
    CHECK(stalls >= 9 + 2 + 1);  // renames are tried twice where the subfolder is new
}
