#include "timing.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <vector>

#include "cache_store/memory/memory_tier.h"
#include "requests.h"

namespace selvage::bench {

using namespace cache_store;

namespace {

constexpr std::size_t kObjects = 20'000, kHits = 30'000, kBody = 4000;
constexpr unsigned kRounds = 500;  // of so many hits: 2 ms

double seconds(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void stay_on(unsigned core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core % std::max(1U, std::thread::hardware_concurrency()), &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

Key128 key_of(std::uint64_t object) { return {.high = object * 0x9E3779B97F4A7C15ULL, .low = ~object}; }

ObjectPtr object() {
    return std::make_shared<const Object>(Object{.meta = "image/avif", .body = make_blob(std::string(kBody, 'x'))});
}

// Nanoseconds per hit.
struct Round {
    double cpu = 1e9;   // of the slower thread
    double wall = 1e9;  // over the hits of all threads
};

// The threads of a round begin together and without a wait in the kernel, so that they do run at the same time; a round is
// shorter than a scheduler's slice, so that some are undisturbed on a machine that has other work.
class Rounds {
public:
    Rounds(MemoryTier& tier, const std::vector<Key128>& order, unsigned threads)
        : tier_(tier), order_(order), threads_(threads), begun_(threads), ended_(threads), cpu_(threads) {}

    Round best() {
        std::vector<std::thread> running;
        for (unsigned thread = 1; thread < threads_; ++thread) running.emplace_back([this, thread] { run(thread); });
        std::thread([this] { run(0); }).join();
        for (auto& thread : running) thread.join();
        return best_;
    }

private:
    void run(unsigned thread) {
        stay_on(thread);
        for (unsigned round = 0; round < kRounds; ++round) {
            meet(2 * round + 1);
            begun_[thread] = seconds(CLOCK_MONOTONIC);
            const double start = seconds(CLOCK_THREAD_CPUTIME_ID);
            hit((thread + round) * kHits);
            cpu_[thread] = seconds(CLOCK_THREAD_CPUTIME_ID) - start;
            ended_[thread] = seconds(CLOCK_MONOTONIC);
            meet(2 * round + 2);
            if (thread == 0) keep_best();
        }
    }
    void hit(std::size_t from) {
        for (std::size_t each = 0; each < kHits; ++each) {
            if (!tier_.find(order_[(from + each) % order_.size()])) std::abort();
        }
    }
    void meet(unsigned times) {
        ++met_;
        while (met_ < times * threads_) {
        }
    }
    void keep_best() {
        const double wall = *std::ranges::max_element(ended_) - *std::ranges::min_element(begun_);
        const Round now{.cpu = *std::ranges::max_element(cpu_) * 1e9 / kHits, .wall = wall * 1e9 / (kHits * threads_)};
        if (now.wall < best_.wall) best_ = now;
    }

    MemoryTier& tier_;
    const std::vector<Key128>& order_;
    unsigned threads_;
    std::atomic<unsigned> met_{0};
    std::vector<double> begun_, ended_, cpu_;
    Round best_;
};

}  // namespace

HitTimes time_hits() {
    MemoryTier tier(1ULL << 30);
    std::vector<MemoryTier::Evicted> evicted;
    for (std::uint64_t number = 0; number < kObjects; ++number) tier.put(key_of(number), object(), {}, evicted);
    std::vector<Key128> order;
    for (const auto rank : zipf_ranks(1U << 21, kObjects, 3)) order.push_back(key_of(rank));
    const auto one = Rounds(tier, order, 1).best(), two = Rounds(tier, order, 2).best();
    return {.one_thread = one.cpu, .two_threads = two.cpu, .scaling = one.wall / two.wall};
}

double time_put() {
    constexpr std::size_t batch = 1000;
    MemoryTier tier(64ULL << 20);
    std::vector<MemoryTier::Evicted> evicted;
    std::vector<ObjectPtr> objects;
    std::uint64_t number = 0;
    double least = 1e9;
    stay_on(0);
    for (int round = 0; round < 100; ++round) {
        objects.clear();
        evicted.clear();
        for (std::size_t each = 0; each < batch; ++each) objects.push_back(object());
        const double start = seconds(CLOCK_THREAD_CPUTIME_ID);
        for (auto& each : objects) tier.put(key_of(number++), std::move(each), {}, evicted);
        if (evicted.size() >= batch * 9 / 10) least = std::min(least, seconds(CLOCK_THREAD_CPUTIME_ID) - start);
    }
    return least * 1e9 / batch;
}

}  // namespace selvage::bench
