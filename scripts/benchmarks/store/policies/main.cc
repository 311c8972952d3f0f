// Replays requests through our eviction and admission and through reference policies, and times the memory tier; JSON.
//
//     policies [--trace FILE|-] [--requests N]      without a trace: the generator, and the times
//
// Miss ratios are in per cent of requests and of bytes, after a warm-up of a quarter of the requests.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "references.h"
#include "requests.h"
#include "tiers.h"
#include "timing.h"

namespace {

using namespace selvage::bench;

constexpr std::size_t kRequests = 2'000'000;
constexpr double kSizes[] = {0.001, 0.01, 0.1};  // of the footprint

struct Misses {
    double requests, bytes;  // per cent
    std::uint64_t written;   // to the disk, after the warm-up; with a Cache that says so
};

template <typename Cache>
Misses replay(Cache& cache, const Requests& requests) {
    std::uint64_t asked = 0, missed = 0, asked_bytes = 0, missed_bytes = 0, written = 0;
    for (std::size_t index = 0; index < requests.size(); ++index) {
        const auto& request = requests[index];
        const bool found = cache.ask(request);
        if constexpr (requires { cache.written(); }) {
            if (index == requests.size() / 4) written = cache.written();
        }
        if (index < requests.size() / 4) continue;
        ++asked;
        asked_bytes += request.bytes;
        missed += !found;
        missed_bytes += found ? 0 : request.bytes;
    }
    if constexpr (requires { cache.written(); }) written = cache.written() - written;
    const auto percent = [](std::uint64_t part, std::uint64_t whole) {
        return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
    };
    return {.requests = percent(missed, asked), .bytes = percent(missed_bytes, asked_bytes), .written = written};
}

void print(const char* name, const Misses& misses, const char* more) {
    std::printf(", \"%s\": {\"requests\": %.2f, \"bytes\": %.2f%s}", name, misses.requests, misses.bytes, more);
}

template <typename Cache, typename... Arguments>
void print_replay(const char* name, const Requests& requests, Arguments... arguments) {
    const auto cache = std::make_unique<Cache>(arguments...);
    const auto misses = replay(*cache, requests);
    std::string more;
    if constexpr (requires { cache->written(); }) more = ", \"written\": " + std::to_string(misses.written);
    if constexpr (requires { cache->pops_per_eviction(); })
        more = ", \"pops_per_eviction\": " + std::to_string(cache->pops_per_eviction());
    print(name, misses, more.c_str());
}

void print_all(const Requests& requests) {
    const auto total = footprint(requests);
    std::printf("\"requests\": %zu, \"footprint\": %llu, \"sizes\": [", requests.size(), static_cast<unsigned long long>(total));
    const char* comma = "";
    for (const double size : kSizes) {
        const auto limit = static_cast<std::uint64_t>(static_cast<double>(total) * size);
        std::printf("%s\n  {\"share\": %g, \"memory\": %llu", comma, size, static_cast<unsigned long long>(limit));
        comma = ",";
        print_replay<Lru>("lru", requests, limit);
        print_replay<S3Fifo>("s3_fifo", requests, limit);
        print_replay<OurMemory>("memory", requests, limit, OurMemory::Largest::AsInProduct);
        print_replay<OurMemory>("memory_any_size", requests, limit, OurMemory::Largest::Whatever);
        print_replay<OurTiers>("two_tiers", requests, limit, OurTiers::Admit::AsInProduct);
        print_replay<OurTiers>("two_tiers_admit_all", requests, limit, OurTiers::Admit::All);
        std::printf("}");
    }
    std::printf("]");
}

}  // namespace

int main(int count, char** words) {
    std::string trace;
    std::size_t requests = kRequests;
    for (int index = 1; index + 1 < count; index += 2) {
        const std::string word = words[index];
        if (word == "--trace") trace = words[index + 1];
        if (word == "--requests") std::from_chars(words[index + 1], words[index + 1] + std::strlen(words[index + 1]), requests);
    }
    std::printf("{");
    print_all(trace.empty() ? generate(requests, 1) : read_trace(trace));
    if (trace.empty()) {
        const auto hits = time_hits();
        std::printf(",\n \"hit_ns\": %.1f, \"hit_ns_two_threads\": %.1f, \"hit_scaling\": %.2f, \"put_ns\": %.0f",
                    hits.one_thread, hits.two_threads, hits.scaling, time_put());
    }
    std::printf("}\n");
}
