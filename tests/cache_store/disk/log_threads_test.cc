#include <thread>

#include "cache_store/disk/log_tier.h"
#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

SCENARIO("many threads put, read, refresh and erase while one writes and makes room: each reads what was put under its key") {
    World world;
    auto tier = world.open(12 * kMiB);
    constexpr std::uint64_t kKeys = 400;
    constexpr int kRounds = 4000;
    std::atomic<bool> done{false};
    std::atomic<int> wrong{0}, hits{0};
    const auto bytes_of = [](std::uint64_t number) { return 1000 + number * 60; };

    std::thread worker([&] {
        while (!done) {
            world.clocks.advance(std::chrono::milliseconds(1000));
            tier->work();
        }
    });
    const auto use = [&](std::uint64_t seed) {
        for (int round = 0; round < kRounds; ++round) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            const std::uint64_t number = (seed >> 33) % kKeys;
            const auto key = key_number(number);
            switch ((seed >> 20) % 16) {
                case 0:
                    tier->erase(key);
                    break;
                case 1:
                    tier->refresh(key, {1, 2, 3});
                    break;
                case 2:
                    if (const auto body = tier->open_body(key)) {
                        std::string some(100, '\0');
                        const auto got = body->read(0, some.data(), some.size());
                        if (got && some != body_number(number, 100)) ++wrong;
                    }
                    break;
                case 3:
                case 4:
                case 5:
                case 6:
                    tier->enqueue(key, object_number(number, bytes_of(number)));
                    break;
                default: {
                    const auto found = round % 2 == 0 ? tier->read(key) : tier->read_now(key);
                    if (!found) break;
                    ++hits;
                    if ((*found)->body->view() != body_number(number, bytes_of(number))) ++wrong;
                }
            }
        }
    };
    std::thread first(use, 1), second(use, 2), third(use, 3);
    first.join();
    second.join();
    third.join();
    done = true;
    worker.join();
    CHECK(wrong == 0);
    CHECK(hits > 100);
    CHECK(stats_of(*tier).corrupt == 0);
    tier->close();
    tier.reset();
    tier = world.open(12 * kMiB);
    for (std::uint64_t number = 0; number < kKeys; ++number) {
        const auto object = read(*tier, number);
        if (object) CHECK(object->body->view() == body_number(number, bytes_of(number)));
    }
}
