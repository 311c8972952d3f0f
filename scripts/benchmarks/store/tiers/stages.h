#pragma once

#include <cstdint>
#include <string>

// What is measured, each in a process of its own; a line of JSON each. `folder` is empty before, or what `fill` has left in it.
namespace selvage::bench {

struct Arguments {
    // selvage: both tiers, 64 MiB of memory. disk: ours without memory. files: a file per object.
    std::string contender;
    std::string folder;
    std::uint64_t limit = 0;  // bytes on the disk
    std::uint64_t count = 0;  // of objects, where they are many and small
};

// Puts into an empty cache until it is nearly full; then one and a half times as much again, with eviction; reads; eviction of
// half.
std::string churn(const Arguments& arguments);
// Puts three times what the limit allows, while another thread looks how many bytes there are on the disk.
std::string flood(const Arguments& arguments);
// Small objects, many of them, for the next two.
std::string fill(const Arguments& arguments);
// From opening to the last object's being known.
std::string restart(const Arguments& arguments);
// All of them purged by one prefix, by one tag, and as everything; each many times.
std::string purge(const Arguments& arguments);

}  // namespace selvage::bench
