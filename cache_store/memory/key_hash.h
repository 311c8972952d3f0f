#pragma once

#include <cstdint>

#include "base/digest.h"

namespace selvage::cache_store {

// 64 bits of a key, every one of use: a shard takes its number from the upper ones, a table its places from the lower ones.
// Keys are digests, but tests and tools number theirs. A product, folded: two multiplications for all 128 bits.
inline std::uint64_t hash_of(const Key128& key) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{key.high ^ 0x9E3779B97F4A7C15ULL} * (key.low ^ 0xC2B2AE3D27D4EB4FULL);
    return static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
}

}  // namespace selvage::cache_store
