#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cache_store/disk/record.h"

// A segment file, "segment.NNNNN": preallocated, written from its beginning to its end, then sealed, and one day used again.
//
//   header (4096 B)  = magic u64 "slvSEG\n\0" | checksum u64 of what follows | version u32 | number u32 | store uuid 16 B
//                      | generation u64 | opened at u32 (seconds since 1970) | reserved u32 | purge sequence at opening u64
//                      | zeros
//   records from 4096 on
//   table of contents= entry* footer, so that the footer ends with the file
//   entry (32 B)     = key u64 high, u64 low | offset u32, in units of 8 | record length u32 | birth, low 32 bits u32 | type u8
//                      | cost u8, as log2 | flags u16 (0)
//   footer (48 B)    = magic u64 "slvTOC\n\0" | checksum u64 of what follows, seeded with that of the entries
//                      | generation u64, the last of this life | entries u32 | version u32 | end of records u64 | reserved u64
//
// Checksums are XXH3-64. A later version keeps magic, checksum and version where they are: so a flipped bit is not taken for it.
// Entries are in the order of their records and do not overlap; resumptions have none.
//
// Generations are numbered through the whole store and never used twice. A life of a segment begins with its header's generation,
// which is durable before the first record. A store that is opened again goes on in the segment that was open: behind its last
// sound record it writes a *resumption*, a record without meta and body whose generation is a new one and whose birth is the
// generation before, and makes that durable before anything follows. So what lay behind it is of no generation of this life.
namespace selvage::cache_store {

inline constexpr std::size_t kSegmentHeader = 4096;
inline constexpr std::size_t kTocEntry = 32;
inline constexpr std::size_t kTocFooter = 48;

struct SegmentHeader {
    std::uint32_t number = 0;
    Key128 store;  // uuid
    std::uint64_t generation = 0;
    std::uint32_t opened_at = 0;
    std::uint64_t purge_sequence = 0;
    friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};
std::string encode(const SegmentHeader& header);  // kSegmentHeader bytes
std::expected<SegmentHeader, BadRecord> parse_segment_header(std::string_view bytes);

struct TocEntry {
    Key128 key;
    std::uint64_t offset = 0;  // bytes
    std::uint32_t record_length = 0;
    std::uint32_t birth_low = 0;
    RecordType type = RecordType::Object;
    std::uint8_t cost_log = 0;
    friend bool operator==(const TocEntry&, const TocEntry&) = default;
};
std::uint8_t cost_log(std::uint32_t cost_ms);  // 0 for 0, else 1 + floor(log2)

struct Toc {
    std::uint64_t last_generation = 0;
    std::uint64_t end_of_records = 0;  // offset
    std::vector<TocEntry> entries;     // in the order of the records
};
// What goes at the end of the file, in one piece of toc_bytes(entries).
std::string encode(const Toc& toc);
constexpr std::size_t toc_bytes(std::size_t entries) { return entries * kTocEntry + kTocFooter; }

// What a footer says before its checksum can be looked at: how much to read, nothing to believe; within `segment_bytes`, the size
// of the file. Nothing: no footer there.
struct TocClaim {
    std::size_t needed = 0;  // bytes of the tail
    std::uint64_t last_generation = 0;
    std::uint64_t end_of_records = 0;
};
std::expected<TocClaim, BadRecord> parse_toc_footer(std::string_view last_48_bytes, std::uint64_t segment_bytes);
// `tail`: the file's last bytes, `needed` or more. Every entry lies between the segment's header and the end of records.
// Errors: Torn when `tail` is too short.
std::expected<Toc, BadRecord> parse_toc(std::string_view tail, std::uint64_t segment_bytes);

// What a scan of the records of one segment life says: the sound ones, in order, and where they end.
struct Scan {
    std::uint64_t last_generation = 0;
    std::uint64_t end = 0;  // behind the last sound record
    std::vector<TocEntry> entries;
    BadRecord why = BadRecord::Nothing;  // what ended it; Nothing too where the file is full
};
TocEntry toc_entry(const RecordHeader& header, std::uint64_t offset);
// Reads records one after another through `read` (offset, bytes → the bytes, shorter at the end of the file, empty when it fails;
// good until the next call), verifying heads and bodies, until one is not sound or not of this life. Asks for a record twice or
// three times: header, head, all; for at most kLargestRecordHead before it has seen a checksum.
using ReadAt = std::function<std::string_view(std::uint64_t offset, std::size_t bytes)>;
Scan scan_segment(const SegmentHeader& header, std::uint64_t segment_bytes, const ReadAt& read);

}  // namespace selvage::cache_store
