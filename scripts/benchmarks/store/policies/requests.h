#pragma once

#include <cstdint>
#include <string>
#include <vector>

// What is replayed.
namespace selvage::bench {

struct Request {
    std::uint64_t object;
    std::uint32_t bytes;
};
using Requests = std::vector<Request>;

// Records of 24 bytes, little endian, no header: timestamp u32 | object id u64 | size u32 | next access i64, which is ignored.
// "-": standard input. Ends the program when it cannot be read, or is not a whole number of records.
Requests read_trace(const std::string& file);

// A site's week, of a seed: objects by Zipf 0.9 whose popularity moves on (churn), log-normal sizes of median 17 KB and mean 31
// KB, and 12 % of requests for what is asked for once.
Requests generate(std::size_t requests, std::uint64_t seed);

// So many ranks below `objects`, by Zipf 0.9.
std::vector<std::uint32_t> zipf_ranks(std::size_t count, std::size_t objects, std::uint64_t seed);

// The bytes of all different objects, each as it was when it was asked for last.
std::uint64_t footprint(const Requests& requests);

}  // namespace selvage::bench
