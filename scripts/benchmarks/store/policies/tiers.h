#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "cache_store/disk/admission.h"
#include "cache_store/memory/shards.h"
#include "requests.h"

// Our store: the product's own code where that works on keys and sizes, a model where it works on a disk. Bodies alone are
// counted, as the references do.
namespace selvage::bench {

// The memory tier's policy (cache_store/memory/shards.h, which is all that MemoryTier adds charges to), given sizes without
// bodies.
class OurMemory {
public:
    enum class Largest : std::uint8_t { AsInProduct, Whatever };  // a 64th of the limit, or all of it
    OurMemory(std::uint64_t limit, Largest largest);

    bool ask(const Request& request);
    bool find(const Request& request);
    void put(const Request& request);  // what left is in `evicted`

    struct Left {
        Request request;
        std::uint32_t hits;
    };
    std::vector<Left> evicted;
    double pops_per_eviction() const {
        return evictions_ == 0 ? 0 : static_cast<double>(shards_.pops()) / static_cast<double>(evictions_);
    }

private:
    std::uint64_t largest_;
    cache_store::Shards shards_;
    std::vector<cache_store::MemoryTier::Evicted> left_;
    std::vector<std::uint32_t> bytes_;  // by object
    std::uint64_t evictions_ = 0;
};

// Segments, the oldest of which goes when there is no room; up to a quarter of it, what was read most for its size, is copied
// forward.
class DiskModel {
public:
    explicit DiskModel(std::uint64_t limit) : limit_(limit), segment_bytes_(limit / 64) {}

    bool has(std::uint64_t object) const { return kept_.contains(object); }
    void read(std::uint64_t object) { ++kept_.at(object).hits; }
    void write(const Request& request);

    bool filling() const { return !filled_; }
    std::uint64_t written() const { return written_; }  // bytes, copies included

private:
    struct Kept {
        std::uint32_t bytes, hits;
        std::uint64_t segment;
    };
    struct Segment {
        std::uint64_t bytes = 0;
        std::vector<std::uint64_t> objects;
    };
    void append(std::uint64_t object, std::uint32_t bytes);
    void drop_oldest();

    std::uint64_t limit_, segment_bytes_, used_ = 0, written_ = 0, first_ = 0;  // first_: the oldest segment's number
    bool filled_ = false;
    std::deque<Segment> segments_;
    std::unordered_map<std::uint64_t, Kept> kept_;
};

// Memory, and ten times as much disk. Every object costs the same to make, too little to be admitted for that alone.
class OurTiers {
public:
    enum class Admit : std::uint8_t { AsInProduct, All };
    OurTiers(std::uint64_t memory, Admit admit);
    bool ask(const Request& request);
    std::uint64_t written() const { return disk_.written(); }

private:
    Admit admit_;
    OurMemory memory_;
    DiskModel disk_;
    cache_store::Admission admission_;
};

}  // namespace selvage::bench
