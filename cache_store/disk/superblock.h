#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "cache_store/disk/record.h"

// What is true of the whole store, twice: "superblock.0" and "superblock.1" are written in turns, each made durable before the
// other is touched. The sound one with the greater serial counts.
//
//   superblock (4096 B) = magic u64 "selvage\n" | checksum u64 of what follows | version u32 | reserved u32 | serial u64
//                         | uuid 16 B | segment bytes u64 | segments u32 | reserved u32 | purge journal u64
//                         | least valid birth u64 | features u64 (a bit that is not known: another version) | zeros
//
// A later version keeps magic, checksum and version where they are: so a flipped bit in one of the two is not taken for it.
namespace selvage::cache_store {

inline constexpr std::uint32_t kStoreVersion = 1;
inline constexpr std::size_t kSuperblock = 4096;

struct Superblock {
    std::uint64_t serial = 0;
    Key128 uuid;
    std::uint64_t segment_bytes = 0;
    std::uint32_t segments = 0;
    std::uint64_t purge_journal = 0;  // 0 in this version: the journal's two files have fixed names
    std::uint64_t least_birth = 0;    // what was born before is not valid; honoured, but not raised by this version
    std::uint64_t features = 0;
    friend bool operator==(const Superblock&, const Superblock&) = default;
};
std::string encode(const Superblock& superblock);
std::expected<Superblock, BadRecord> parse_superblock(std::string_view bytes);

// Of the two files' contents (empty: not there): the one that counts.
// Errors: Future when either was written by a later version; Nothing when both are missing; Corrupt when neither is sound.
std::expected<Superblock, BadRecord> choose_superblock(std::string_view first, std::string_view second);

// How many bytes of disk become which segments, kReservedBytes set aside: 16 of whole MiB while they have less than 64 MiB each,
// at least four of 1 MiB; then as many as there is room for, of 64 MiB each, up to kMostSegments; these then are larger, up to
// kLargestSegment. Parts are kPart bytes, or a quarter of a segment.
struct Geometry {
    std::uint64_t segment_bytes = 0;
    std::uint32_t segments = 0;  // 0: the limit is too small for a disk tier
    std::uint32_t part_bytes = 0;
};
inline constexpr std::uint64_t kPart = 1ULL << 20;
inline constexpr std::uint32_t kFewestSegments = 4, kMostSegments = 2048;
inline constexpr std::uint64_t kSmallestSegment = 1ULL << 20, kLargestSegment = 4ULL << 30;
inline constexpr std::uint64_t kReservedBytes = 4ULL << 20;  // of the limit: superblocks, journal, hot list
Geometry geometry_for(std::uint64_t limit);
// With the segments that a store already has: only their number changes. Nothing: fewer than four would fit, or that is no
// size of a segment; begin anew.
std::optional<Geometry> geometry_for(std::uint64_t limit, std::uint64_t segment_bytes);

}  // namespace selvage::cache_store
