#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>

#include "cache_store/disk/log_contents.h"

namespace selvage::cache_store {

// A record's bytes, as many as there are.
struct ReadBytes {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
    std::string_view view() const { return {bytes.get(), size}; }
};

enum class Patience : std::uint8_t { Now, Wait };
enum class ReadFault : std::uint8_t { WouldBlock, Failed };

// `bytes` from `offset`, fewer at the end of the file. Now: all that is wanted must be in the page cache.
// Errors: WouldBlock, also where a file system cannot tell; Failed with errno set.
std::expected<ReadBytes, ReadFault> read_bytes(const LogFile& file, std::uint64_t offset, std::size_t bytes, Patience patience);

// The same, to where there is room; how many they are.
std::expected<std::size_t, ReadFault> read_into(const LogFile& file, std::uint64_t offset, char* into, std::size_t bytes,
                                                Patience patience);

// What a record that was read must not contradict.
struct Judge {
    WallTime now;
    std::uint64_t purge_sequence = 0;  // nothing was born after it
    std::uint64_t least_birth = 0;
};

// An object where a look-up found it, with its newest lifetimes; without a body when it is in parts. Every checksum, the key and
// the generation have been verified. What is not sound is told to `contents`; a hit is the caller's to tell.
std::expected<Object, ReadEnd> read_object(LogContents& contents, const Key128& key, const LookUp& found, const Judge& judge,
                                           Patience patience);

// The header of the record at `place`, when header, meta, key and generation are sound. Blocks.
std::expected<RecordHeader, ReadEnd> read_head(const Place& place, const Key128& key, RecordType type);

// The generation of what was read must be one of this life.
inline bool belongs(const RecordHeader& header, const Life& life) {
    return header.generation >= life.first && header.generation <= life.last;
}

}  // namespace selvage::cache_store
