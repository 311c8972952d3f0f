// Many who purge, many who look, and one who compacts: run under the thread sanitizer.
#include <catch2/catch.hpp>

#include <atomic>
#include <set>
#include <thread>

#include "tests/cache_store/purge/purge_ground.h"

using namespace selvage;
using namespace selvage::cache_store;
using namespace selvage::cache_store::test;

SCENARIO("purges from many threads each have a number of their own, and share fdatasyncs") {
    const PurgeFolder folder;
    PurgeTable table;
    constexpr std::uint64_t kBytes = 96U << 10;
    REQUIRE(table.open(folder.descriptor(), real_file_system(), silent(), kBytes));
    constexpr int kThreads = 4;
    constexpr int kEach = 300;
    std::atomic<bool> over{false};
    std::atomic<int> unseen{0};
    std::vector<std::vector<std::uint64_t>> numbers(kThreads);
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            for (int i = 0; i < kEach; ++i) {
                const Tag tag = label(thread * kEach + i);
                const auto number = table.purge(hard({tag}));
                // Who has the number sees the purge at once.
                if (!number || table.sequence() < *number || floor_of(table, tag).gone < *number) ++unseen;
                numbers[static_cast<std::size_t>(thread)].push_back(number.value_or(0));
            }
        });
    }
    std::jthread looks([&] {
        while (!over) {
            // A floor that is asked for after the sequence was read knows the purges up to it: the newest is among the last
            // labels.
            const std::uint64_t sequence = table.sequence();
            Floor newest_floor;
            for (int i = 0; i < kThreads * kEach; ++i) newest_floor = newest(newest_floor, floor_of(table, label(i)));
            if (newest_floor.gone < sequence) ++unseen;
        }
    });
    std::jthread compacts([&] {
        while (!over) {
            table.compact(table.sequence() / 2);
            (void)table.stats();
        }
    });
    for (auto& thread : threads) thread.join();
    over = true;
    looks.join();
    compacts.join();
    CHECK(unseen == 0);
    std::set<std::uint64_t> all;
    for (const auto& some : numbers) {
        CHECK(std::ranges::is_sorted(some));
        all.insert(some.begin(), some.end());
    }
    CHECK(all.size() == kThreads * kEach);
    CHECK(*all.rbegin() == kThreads * kEach);
    PurgeTable again;
    REQUIRE(again.open(folder.descriptor(), real_file_system(), silent(), kBytes));
    for (int i = 0; i < kThreads * kEach; ++i) {
        CHECK(floor_of(again, label(i)).gone >=
              numbers[static_cast<std::size_t>(i / kEach)][static_cast<std::size_t>(i % kEach)]);
    }
}
