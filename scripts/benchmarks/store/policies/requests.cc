#include "requests.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <unordered_map>

namespace selvage::bench {
namespace {

constexpr std::size_t kRecord = 24;
constexpr double kZipf = 0.9, kOneHit = 0.12;
constexpr double kMedianBytes = 17e3, kSigma = 1.1;  // mean = median · exp(σ²/2) = 31 KB
constexpr std::size_t kObjects = 200'000;
constexpr std::size_t kRequestsPerChange = 100;  // then one object, of any rank, is replaced by a new one

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "policies: %s\n", what);
    std::exit(1);
}

// Ranks by Zipf, from the inverse of the summed weights.
class Zipf {
public:
    explicit Zipf(std::size_t ranks) : sums_(ranks) {
        double sum = 0;
        for (std::size_t rank = 0; rank < ranks; ++rank) sums_[rank] = sum += std::pow(static_cast<double>(rank + 1), -kZipf);
    }
    std::size_t operator()(std::mt19937_64& random) const {
        const double at = std::uniform_real_distribution<>(0, sums_.back())(random);
        return static_cast<std::size_t>(std::ranges::lower_bound(sums_, at) - sums_.begin());
    }

private:
    std::vector<double> sums_;
};

}  // namespace

Requests read_trace(const std::string& file) {
    std::FILE* in = file == "-" ? stdin : std::fopen(file.c_str(), "rb");
    if (in == nullptr) give_up("cannot open the trace");
    Requests requests;
    std::unordered_map<std::uint64_t, std::uint64_t> numbers;  // in the order of their first request
    char record[kRecord];
    std::size_t got;
    while ((got = std::fread(record, 1, kRecord, in)) == kRecord) {
        Request request{};
        std::memcpy(&request.object, record + 4, sizeof request.object);
        std::memcpy(&request.bytes, record + 12, sizeof request.bytes);
        request.bytes = std::max(request.bytes, 1U);
        request.object = numbers.try_emplace(request.object, numbers.size()).first->second;
        requests.push_back(request);
    }
    if (got != 0 || requests.empty()) give_up("the trace is not a number of 24-byte records");
    if (in != stdin) std::fclose(in);
    return requests;
}

Requests generate(std::size_t count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const Zipf zipf(kObjects);
    std::lognormal_distribution<> size(std::log(kMedianBytes), kSigma);
    const auto new_size = [&] { return static_cast<std::uint32_t>(std::clamp(size(random), 100.0, 64e6)); };
    std::uint64_t next = 0;
    Requests by_rank(kObjects);
    for (auto& object : by_rank) object = {.object = next++, .bytes = new_size()};
    Requests requests;
    requests.reserve(count);
    std::bernoulli_distribution once(kOneHit);
    for (std::size_t number = 0; number < count; ++number) {
        if (number % kRequestsPerChange == 0) by_rank[random() % kObjects] = {.object = next++, .bytes = new_size()};
        requests.push_back(once(random) ? Request{.object = next++, .bytes = new_size()} : by_rank[zipf(random)]);
    }
    return requests;
}

std::vector<std::uint32_t> zipf_ranks(std::size_t count, std::size_t objects, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const Zipf zipf(objects);
    std::vector<std::uint32_t> ranks(count);
    for (auto& rank : ranks) rank = static_cast<std::uint32_t>(zipf(random));
    return ranks;
}

std::uint64_t footprint(const Requests& requests) {
    std::unordered_map<std::uint64_t, std::uint32_t> sizes;
    for (const auto& request : requests) sizes[request.object] = request.bytes;
    std::uint64_t sum = 0;
    for (const auto& [object, bytes] : sizes) sum += bytes;
    return sum;
}

}  // namespace selvage::bench
