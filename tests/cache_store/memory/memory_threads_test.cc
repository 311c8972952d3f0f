#include <catch2/catch.hpp>

#include <atomic>
#include <barrier>
#include <random>
#include <thread>

#include "tests/cache_store/memory/memory_ground.h"

using namespace selvage;
using namespace selvage::cache_store;
using namespace selvage::cache_store::memory_ground;

// Run under the thread sanitizer by the preset `tsan`. Catch's assertions are not thread-safe: threads count, the test checks.

namespace {

constexpr int kThreads = 8;
constexpr std::uint64_t kKeys = 400;
constexpr std::uint64_t kLimit = 512 * kKiB;

// Objects tell their number by their length.
bool is_of(const ObjectPtr& object, std::uint64_t number) { return object->body->size() % kKeys == number; }

// One random operation; false when an object came back that was never put under its key, or one that was older than seen before.
bool step(MemoryTier& tier, std::mt19937_64& random, std::vector<ObjectPtr>& held, std::vector<MemoryTier::Evicted>& evicted) {
    const auto number = random() % kKeys;
    const auto found = tier.find(key(number));
    if (found && !is_of(found->object, number)) return false;
    switch (random() % 8) {
        case 0:
        case 1:
        case 2:
            tier.put(key(number), object(number + random() % 15 * kKeys, random() % 100), {.hits = 1}, evicted);
            break;
        case 3:
            if (found) held[random() % held.size()] = found->object;  // as if it were sent
            break;
        case 4:
            if (found) tier.judged(key(number), found->object, random() % 100, true);
            break;
        case 5:
            random() % 2 == 0 || !found ? tier.erase(key(number)) : tier.erase_if_same(key(number), found->object);
            break;
        case 6:
            if (random() % 100 == 0) tier.hottest(10);
            if (random() % 100 == 0) tier.oldest_birth();
            break;
        default:
            break;
    }
    bool sound = true;
    for (const auto& each : evicted) sound = sound && each.object != nullptr;
    evicted.clear();
    return sound;
}

std::uint64_t bytes_of(const MemoryTier& tier) {
    MemoryStats stats;
    tier.add_to(stats);
    return stats.bytes;
}

}  // namespace

TEST_CASE("eight threads at random never pass the memory limit, nor see another key's object") {
    MemoryTier tier(kLimit);
    std::atomic<int> wrong{0}, above{0};
    std::barrier together(kThreads);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            std::mt19937_64 random(static_cast<std::uint64_t>(thread));
            std::vector<ObjectPtr> held(10);
            std::vector<MemoryTier::Evicted> evicted;
            together.arrive_and_wait();
            for (int round = 0; round < 5000; ++round) {
                wrong += !step(tier, random, held, evicted);
                if (round % 16 == 0) above += bytes_of(tier) > kLimit;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(above == 0);
    CHECK(bytes_of(tier) > kLimit / 2);

    for (std::uint64_t number = 0; number < kKeys; ++number) tier.erase(key(number));
    MemoryStats stats;
    tier.add_to(stats);
    CHECK(stats.bytes == 0);
    CHECK(stats.objects == 0);
    CHECK(stats.evictions > 0);
}

TEST_CASE("a memory limit that changes under load holds at the end") {
    MemoryTier tier(kLimit);
    std::barrier together(kThreads);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            std::mt19937_64 random(static_cast<std::uint64_t>(thread) + 100);
            std::vector<ObjectPtr> held(3);
            std::vector<MemoryTier::Evicted> evicted;
            together.arrive_and_wait();
            for (int round = 0; round < 1000; ++round) {
                step(tier, random, held, evicted);
                if (round % 50 == thread) tier.set_limit(random() % kLimit, evicted);
            }
            together.arrive_and_wait();
            if (thread == 0) tier.set_limit(100 * kKiB, evicted);
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(bytes_of(tier) <= 100 * kKiB);
}
