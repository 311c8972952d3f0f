#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "cache_store/purge/floors.h"

// The purge journal, format version 1: what has been purged, so that it stays purged. Two files take turns, "purges.0" and
// "purges.1": the journal of number n is in purges.(n mod 2). All numbers little endian; everything begins at a multiple of 8,
// padded with zeros.
//
//   journal      = header image group*
//   header (80 B)
//     0  magic            u64  "slvPRG\n\0"
//     8  header checksum  u64  XXH3-64 of the header after this field
//    16  version          u32  1
//    20  globs            u32  of the image
//    24  number           u64  of this journal
//    32  sequence         u64  of the last purge before this journal
//    40  everything, gone u64 ┐ the floor under everything
//    48  everything, stale u64 ┘
//    56  tags             u64  of the image
//    64  image bytes      u64
//    72  image checksum   u64  XXH3-64 of the image
//   image        = (tag u64, gone u64, stale u64) × tags, (gone u64, stale u64, length u32, text, padding) × globs:
//                  what had been purged when this journal was begun
//   group        = one purge; it counts whole or not at all
//     0  magic            u32  "slvP"
//     4  length           u32  of the group, padding included
//     8  group checksum   u64  XXH3-64 of what follows
//    16  journal          u64  its number: bytes of an earlier life of the file are not believed
//    24  sequence         u64
//    32  effect           u8   0 hard, 1 soft
//    33  everything       u8   0 or 1
//    34  reserved         u16  0
//    36  tags             u32
//    40  globs            u32
//    44  reserved         u32  0
//    48  tag u64 × tags, (length u32, text) × globs, padding
//
// A journal is begun whole: header and image are durable, in the other file than the one before, which is then removed. After
// that it only grows. Of two that are sound (a crash came between) both count: what any of them says is purged. A journal ends
// before its first group that is not sound: a crash tore it off, and it was never acknowledged. When sound groups follow all the
// same, something in the middle was damaged: then everything is purged up to the last of them.
namespace selvage::cache_store {

inline constexpr std::uint32_t kJournalVersion = 1;
inline constexpr std::size_t kJournalHeader = 80;
inline constexpr std::size_t kJournalGroup = 48;

struct JournalContents {
    std::uint64_t number = 0;
    std::uint64_t sequence = 0;  // of the last purge
    Floors floors;
    std::size_t sound_bytes = 0;
    std::size_t groups = 0;
    bool torn = false;     // bytes follow that were not written to their end
    bool damaged = false;  // sound groups followed what was not
};

enum class BadJournal : std::uint8_t {
    Future,   // a later version
    Corrupt,  // header or image are not what was written; also an empty file
};

// Header and image.
std::string encode_journal(std::uint64_t number, std::uint64_t sequence, const Floors& floors);
std::string encode_group(std::uint64_t journal, std::uint64_t sequence, const Purge& purge);

std::expected<JournalContents, BadJournal> parse_journal(std::string_view bytes, const FloorBounds& bounds);

}  // namespace selvage::cache_store
