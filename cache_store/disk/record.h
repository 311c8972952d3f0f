#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "cache_store/object.h"

// The disk tier's log, format version 1. All numbers little endian; everything begins at a multiple of 8, padded with zeros.
//
//   store        = superblock-0, superblock-1 (superblock.h)  segment files (segment.h)  purge journal (purge_journal.h)
//                  hot list
//   segment      = segment header, padded to 4096 B    record*    table of contents (when sealed)
//   record       = header meta body padding
//   header (112 B)
//     0   magic              u32   "slvR"
//     4   version            u8    1
//     5   type               u8    1 object, 2 part, 3 lifetimes, 4 tombstone, 5 resumption
//     6   header length      u16   112: what a later version may lengthen
//     8   header checksum    u64   XXH3-64 of the header after this field and of the meta, seeded with the 8 bytes before it
//    16   generation         u64   of the segment (or its resumption) that it was written in
//    24   key                u64 high, u64 low
//    40   birth              u64   purge sequence when its request began
//    48   body checksum      u64   XXH3-64 of the body in this record; of an object in parts, of its whole body; else anything
//    56   created            u32   seconds since 1970 (to 2106)
//    60   fresh until        u32 ┐
//    64   while revalidate   u32 ├ Lifetimes
//    68   if error           u32 ┘
//    72   body length        u64   of the whole object, also when it is in parts, and in each part; 0 in types without a body
//    80   record length      u32   all of it, padding included
//    84   meta length        u32   at most kLargestRecordMeta, tags included
//    88   cost               u32   milliseconds
//    92   part length        u32   0: the body follows; else it is in records of type part of this many bytes each (the last:
//                                  what is left), under part_key(key, body checksum, i). A part says the same as its object
//    96   part number        u32   of a part, from 0; else 0
//   100   tags               u8
//   101   reserved           11 B  0
//   meta                     = tag u64 × tags, then the caller's text
//   padding                  = zeros to the next multiple of 8; not covered by a checksum, not looked at
//
// Types: an object; a part of one, a record whose body is those bytes and whose meta is empty; new lifetimes for the object of
// the key, without meta and body, its own `created` the object's; a tombstone, which says that the key is gone; and a resumption
// (segment.h). Of two records of a key the later one counts: higher generation, then higher offset. Parts come before their
// object: the body is written before its header. The key in a part's header is part_key(), that in new lifetimes is the object's.
//
// A record is believed when magic, version, type, lengths and header checksum fit, its generation is one of its segment's life
// (segment.h), and its key is the one that was looked for; its body when the body checksum fits.
namespace selvage::cache_store {

inline constexpr std::size_t kRecordHeader = 112;
inline constexpr std::size_t kAlignment = 8;
inline constexpr std::size_t kLargestRecordMeta = kLargestMeta + kMostTags * sizeof(Tag);
inline constexpr std::size_t kLargestRecordHead = kRecordHeader + kLargestRecordMeta;  // header and meta

enum class RecordType : std::uint8_t { Object = 1, Part = 2, Lifetimes = 3, Tombstone = 4, Resumption = 5 };

// A record's header, as numbers.
struct RecordHeader {
    RecordType type = RecordType::Object;
    std::uint64_t generation = 0;
    Key128 key;
    std::uint64_t birth = 0;
    std::uint64_t body_checksum = 0;
    WallTime created;
    Lifetimes lifetimes;
    std::uint64_t body_length = 0;
    std::uint32_t record_length = 0;
    std::uint32_t meta_length = 0;  // tags included
    std::uint32_t cost_ms = 0;
    std::uint32_t part_length = 0;
    std::uint32_t part_number = 0;
    std::uint8_t tags = 0;

    // Bytes of the body within this record.
    std::uint64_t body_here() const;
    friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

// Why bytes are not the record that was expected.
enum class BadRecord : std::uint8_t {
    Nothing,     // no magic: here the log ends, or ended
    Future,      // a later version
    Torn,        // ends before its length says
    Corrupt,     // a checksum or field does not fit
    Foreign,     // sound, but of another key or generation
    Unreadable,  // the read itself failed
};
std::string_view name_of(BadRecord reason);

// The key of the i-th part of an object, and that under which an index knows its new lifetimes: not those of any object. A part's
// depends on the whole body, by the object's body checksum: the parts of two bodies of one key are never mixed (R1).
Key128 part_key(const Key128& key, std::uint64_t body_checksum, std::uint32_t part);
Key128 lifetimes_key(const Key128& key);

// Header and meta, padded when there is no body: what is written before the body, which its padding follows (record_length() says
// how much). Record and meta length and the number of tags are set by this, from the arguments; the rest is the caller's, and
// fits together: at most kMostTags, a meta of at most kLargestMeta. Types without meta and body get none, whatever `header` says.
std::string encode_record_head(RecordHeader header, const std::vector<Tag>& tags, std::string_view meta);
// The same, to where there is room for that much.
void encode_record_head(char* to, RecordHeader header, const std::vector<Tag>& tags, std::string_view meta);
std::uint32_t record_length(std::size_t meta_length_with_tags, std::uint64_t body_here);

// The header at the beginning of `bytes`, which may hold more or less than the record: lengths are within bounds, and when header
// and meta are all there, their checksum fits (Torn when they are not).
std::expected<RecordHeader, BadRecord> parse_record_head(std::string_view bytes);
// The same of the header alone, without its checksum: how much to read, nothing to believe. Its lengths fit each other.
std::expected<RecordHeader, BadRecord> parse_record_claims(std::string_view bytes);

// The parts of a record whose head has been parsed; Torn when they are not in `record`, which begins with the header.
std::string_view record_meta(const RecordHeader& header, std::string_view record);  // the caller's text, without tags
std::vector<Tag> record_tags(const RecordHeader& header, std::string_view record);
std::expected<std::string_view, BadRecord> record_body(const RecordHeader& header, std::string_view record);  // verified

// A whole record as an object: `record` begins with its header. Verifies the body. Never returns an object whose key, generation,
// checksums or lengths do not fit. Objects in parts come without their body (null).
std::expected<Object, BadRecord> decode_object(std::string_view record, const Key128& key, std::uint64_t least_generation,
                                               std::uint64_t greatest_generation);

// The same without a copy of the body, which is left where it is in `record`.
struct Decoded {
    Object object;                         // without its body
    std::optional<std::string_view> body;  // nothing: it is in parts
};
std::expected<Decoded, BadRecord> decode_in_place(std::string_view record, const Key128& key, std::uint64_t least_generation,
                                                  std::uint64_t greatest_generation);

}  // namespace selvage::cache_store
