#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "cache_store/store.h"

// One stored object as a file, version 1. All numbers little endian, no padding, nothing after the body.
//
//   file   = head body
//   head   = header meta
//   header = magic            8 B   "selvage\n"
//            head checksum    u64   XXH3-64 of everything in the head after this field, meta included
//            version          u32   1
//            meta length      u32   at most kLargestMeta
//            body length      u64   at most kLargestBody
//            key              u64 high, u64 low
//            source           32 B  SHA-256 of the content it was made from
//            created          i64   seconds since 1970-01-01 UTC
//            cost             u32   milliseconds
//            reserved         u32   0
//            body checksum    u64   XXH3-64 of the body
//
// Magic, head checksum and version keep their places in every later version.
namespace selvage::cache_store {

inline constexpr std::size_t kHeaderBytes = 104;
inline constexpr std::uint32_t kFileVersion = 1;
// A reader allocates what a header claims, so the claims are bounded. 64 MiB was chosen, not measured: four times what memory
// keeps of one object, and little enough that a few fetches at once are affordable.
inline constexpr std::uint64_t kLargestBody = 64ULL << 20;
inline constexpr std::uint32_t kLargestMeta = 1U << 20;

// Why a file is not the object that it was opened for.
enum class BadFile : std::uint8_t {
    NotOurs,        // another magic
    FutureVersion,  // written by a newer Selvage, or a flipped bit in the version: not ours to judge, left where it is
    Torn,           // shorter or longer than its header says
    Corrupt,        // a checksum or a field does not fit
    Foreign,        // sound, but the object of another key
    Unreadable,     // the read itself failed (EIO)
};
std::string_view name_of(BadFile reason);

// What a header claims; true only once assemble() has checked it.
struct FileHeader {
    Key128 key;
    std::uint32_t meta_bytes = 0;
    std::uint64_t body_bytes = 0;
    std::uint32_t cost_ms = 0;
    Sha256 source;
    WallTime created;
    std::uint64_t head_checksum = 0;
    std::uint64_t body_checksum = 0;

    std::size_t head_bytes() const { return kHeaderBytes + meta_bytes; }
};

// Bytes of the object's file.
std::uint64_t file_bytes(const Object& object);

// Header and meta, ready to be written; the body follows them unchanged.
std::string encode_head(const Key128& key, const Object& object);

// The claims of the first kHeaderBytes of a file of `file_bytes` in all: afterwards the lengths are within their bounds and
// add up to the file, and the key is the expected one. Nothing is verified by checksum yet.
std::expected<FileHeader, BadFile> parse_header(std::string_view header, std::uint64_t file_bytes, const Key128& key);

// The object, once both checksums fit. `head` is header and meta: header.head_bytes() bytes.
std::expected<Object, BadFile> assemble(const FileHeader& header, std::string_view head, std::string body);

// A whole file in memory. Never returns an object whose key, checksums or lengths do not fit.
std::expected<Object, BadFile> decode_object(std::string_view file, const Key128& key);

}  // namespace selvage::cache_store
