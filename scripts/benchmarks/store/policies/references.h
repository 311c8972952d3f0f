#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>
#include <unordered_set>

#include "requests.h"

// What our policy is measured against, as their papers have them. Each counts bodies only, and answers whether it was a hit.
namespace selvage::bench {

class Lru {
public:
    explicit Lru(std::uint64_t limit) : limit_(limit) {}
    bool ask(const Request& request);

private:
    std::uint64_t limit_, used_ = 0;
    std::list<Request> order_;  // used last first
    std::unordered_map<std::uint64_t, std::list<Request>::iterator> index_;
};

// Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023: a small queue of a tenth, a main queue with second
// chances by up to three hits, and ghosts of as many objects as the main queue has.
class S3Fifo {
public:
    explicit S3Fifo(std::uint64_t limit) : limit_(limit), small_limit_(limit / 10) {}
    bool ask(const Request& request);

private:
    struct Item {
        Request request;
        std::uint8_t hits = 0;
    };
    using Queue = std::list<Item>;  // newest first
    void evict();
    void evict_small();
    void evict_main();
    void remember(std::uint64_t object);

    std::uint64_t limit_, small_limit_, small_bytes_ = 0, main_bytes_ = 0;
    Queue small_, main_;
    std::unordered_map<std::uint64_t, Queue::iterator> index_;
    std::list<std::uint64_t> ghost_order_;
    std::unordered_map<std::uint64_t, std::list<std::uint64_t>::iterator> ghosts_;
};

}  // namespace selvage::bench
