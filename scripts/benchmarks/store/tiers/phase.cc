#include "phase.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <numeric>
#include <random>

#include "cache_store/store.h"

namespace selvage::bench {
namespace {

constexpr std::size_t kBatch = 64;            // objects that are made before they are put: some MB
constexpr std::uint64_t kKept = 32ULL << 20;  // bytes of objects that are kept after their put

// With its head, Store::kReadNow at most: what a loop reads at once. Larger ones go to the work pool in any server.
constexpr std::size_t kLargestRead = cache_store::Store::kReadNow - 1024;

// Objects that were put, kept so that the last reference is dropped while nothing is measured.
class Kept {
public:
    void add(std::vector<cache_store::ObjectPtr> objects) {
        for (auto& object : objects) {
            bytes_ += object->body->size();
            objects_.push_back(std::move(object));
        }
        for (; bytes_ > kKept; objects_.pop_front()) bytes_ -= objects_.front()->body->size();
    }

private:
    std::deque<cache_store::ObjectPtr> objects_;
    std::uint64_t bytes_ = 0;
};

}  // namespace

std::string json(const Phase& phase) {
    return fmt::format(
        R"({{"operations": {}, "bytes": {}, "failed": {}, "cpu": {:.6f}, "wall": {:.6f}, "settling_cpu": {:.6f}, "settling_wall": {:.6f}}})",
        phase.operations, phase.bytes, phase.failed, phase.spent.cpu, phase.spent.wall, phase.settling.cpu, phase.settling.wall);
}

Phase put(Contender& contender, const Objects& objects, std::uint64_t& next, std::uint64_t bytes) {
    Phase phase;
    Kept kept;
    const Spent before = contender.settling();
    while (phase.bytes < bytes) {
        std::vector<cache_store::ObjectPtr> batch;
        for (std::size_t i = 0; i < kBatch; ++i) batch.push_back(objects.make(next + i, contender.birth()));
        const Stopwatch watch;
        for (std::size_t i = 0; i < kBatch; ++i) contender.put(objects.key(next + i), batch[i]);
        phase.spent += watch.spent();
        for (const auto& object : batch) phase.bytes += object->body->size();
        phase.operations += kBatch;
        next += kBatch;
        kept.add(std::move(batch));
    }
    phase.settling = {contender.settling().cpu - before.cpu, contender.settling().wall - before.wall};
    return phase;
}

Phase read(const Reader& reader, const Objects& objects, std::span<const std::uint64_t> numbers) {
    std::vector<Key128> keys;
    for (const auto number : numbers) keys.push_back(objects.key(number));
    Phase phase;
    std::vector<std::size_t> sizes(numbers.size());
    const Stopwatch watch;
    for (std::size_t i = 0; i < numbers.size(); ++i) sizes[i] = reader(keys[i]).body.size();
    phase.spent = watch.spent();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        phase.bytes += sizes[i];
        ++(sizes[i] == objects.size(numbers[i]) ? phase.operations : phase.failed);
    }
    return phase;
}

std::vector<std::uint64_t> shuffled(const Objects& objects, std::uint64_t begin, std::uint64_t end, std::size_t most,
                                    std::uint64_t seed) {
    std::vector<std::uint64_t> numbers(end - begin);
    std::iota(numbers.begin(), numbers.end(), begin);
    std::erase_if(numbers, [&](std::uint64_t number) { return objects.size(number) > kLargestRead; });
    std::ranges::shuffle(numbers, std::mt19937_64(seed));
    if (numbers.size() > most) numbers.resize(most);
    return numbers;
}

}  // namespace selvage::bench
