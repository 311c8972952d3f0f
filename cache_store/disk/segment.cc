#include "cache_store/disk/segment.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "cache_store/disk/fields.h"

namespace selvage::cache_store {
namespace {

constexpr std::string_view kMagic{"slvSEG\n\0", 8}, kTocMagic{"slvTOC\n\0", 8};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kChecksumAt = 8, kCoveredFrom = 16;

void append_entry(std::string& out, const TocEntry& entry) {
    append_number(out, entry.key.high);
    append_number(out, entry.key.low);
    append_number(out, static_cast<std::uint32_t>(entry.offset / kAlignment));
    append_number(out, entry.record_length);
    append_number(out, entry.birth_low);
    append_number(out, static_cast<std::uint8_t>(entry.type));
    append_number(out, entry.cost_log);
    append_number(out, std::uint16_t{0});  // flags
}

// Nothing: a type that no entry has.
std::optional<TocEntry> read_entry(Fields& fields) {
    TocEntry entry;
    entry.key.high = fields.number<std::uint64_t>();
    entry.key.low = fields.number<std::uint64_t>();
    entry.offset = std::uint64_t{fields.number<std::uint32_t>()} * kAlignment;
    entry.record_length = fields.number<std::uint32_t>();
    entry.birth_low = fields.number<std::uint32_t>();
    const auto type = fields.number<std::uint8_t>();
    entry.cost_log = fields.number<std::uint8_t>();
    fields.take(sizeof(std::uint16_t));
    if (type < 1 || type >= static_cast<std::uint8_t>(RecordType::Resumption)) return std::nullopt;
    entry.type = RecordType{type};
    return entry;
}

// The checksum of the footer's second part and, as its seed, the entries.
std::uint64_t toc_checksum(std::string_view entries, std::string_view footer) {
    return checksum64(footer.substr(kCoveredFrom, kTocFooter - kCoveredFrom), checksum64(entries));
}

std::expected<std::vector<TocEntry>, BadRecord> read_entries(std::string_view bytes, std::uint64_t end_of_records) {
    std::vector<TocEntry> entries;
    entries.reserve(bytes.size() / kTocEntry);
    Fields fields(bytes);
    std::uint64_t free_from = kSegmentHeader;
    for (std::size_t left = bytes.size() / kTocEntry; left > 0; --left) {
        const auto entry = read_entry(fields);
        if (!entry || entry->offset < free_from || entry->record_length < kRecordHeader ||
            entry->record_length % kAlignment != 0 || entry->offset + entry->record_length > end_of_records)
            return std::unexpected(BadRecord::Corrupt);
        free_from = entry->offset + entry->record_length;
        entries.push_back(*entry);
    }
    return entries;
}

// The generation that follows a record, or why it is not one of this life.
std::expected<std::uint64_t, BadRecord> next_generation(const RecordHeader& record, std::uint64_t now) {
    if (record.type != RecordType::Resumption) {
        if (record.generation == now) return now;
    } else if (record.birth == now && record.generation > now) {
        return record.generation;
    }
    return std::unexpected(BadRecord::Foreign);
}

// A sound record of this life at the end of what has been scanned. What its length claims is not read before its head is
// verified.
std::expected<RecordHeader, BadRecord> read_record(Scan& scan, std::uint64_t segment_bytes, const ReadAt& read) {
    const auto at_first = read(scan.end, kRecordHeader);
    if (at_first.empty()) return std::unexpected(BadRecord::Unreadable);
    const auto claims = parse_record_claims(at_first);
    if (!claims) return claims;
    if (claims->record_length > segment_bytes - scan.end) return std::unexpected(BadRecord::Torn);
    const auto header = parse_record_head(read(scan.end, kRecordHeader + claims->meta_length));
    if (!header) return header;
    const auto generation = next_generation(*header, scan.last_generation);
    if (!generation) return std::unexpected(generation.error());
    if (header->body_here() > 0) {
        const auto body = record_body(*header, read(scan.end, header->record_length));
        if (!body) return std::unexpected(body.error());
    }
    scan.last_generation = *generation;
    return header;
}

}  // namespace

std::string encode(const SegmentHeader& header) {
    std::string out;
    out.reserve(kSegmentHeader);
    out.append(kMagic);
    append_number(out, std::uint64_t{0});  // the checksum, once the rest is there
    append_number(out, kVersion);
    append_number(out, header.number);
    append_number(out, header.store.high);
    append_number(out, header.store.low);
    append_number(out, header.generation);
    append_number(out, header.opened_at);
    append_number(out, std::uint32_t{0});
    append_number(out, header.purge_sequence);
    out.resize(kSegmentHeader, '\0');
    put_number(out, kChecksumAt, checksum64(std::string_view(out).substr(kCoveredFrom)));
    return out;
}

std::expected<SegmentHeader, BadRecord> parse_segment_header(std::string_view bytes) {
    if (bytes.substr(0, kMagic.size()) != kMagic.substr(0, bytes.size()) || bytes.empty())
        return std::unexpected(BadRecord::Nothing);
    if (bytes.size() < kSegmentHeader) return std::unexpected(BadRecord::Torn);
    bytes = bytes.substr(0, kSegmentHeader);
    Fields fields(bytes.substr(kChecksumAt));
    if (fields.number<std::uint64_t>() != checksum64(bytes.substr(kCoveredFrom))) return std::unexpected(BadRecord::Corrupt);
    const auto version = fields.number<std::uint32_t>();
    if (version != kVersion) return std::unexpected(version > kVersion ? BadRecord::Future : BadRecord::Corrupt);
    SegmentHeader header;
    header.number = fields.number<std::uint32_t>();
    header.store.high = fields.number<std::uint64_t>();
    header.store.low = fields.number<std::uint64_t>();
    header.generation = fields.number<std::uint64_t>();
    header.opened_at = fields.number<std::uint32_t>();
    fields.take(sizeof(std::uint32_t));
    header.purge_sequence = fields.number<std::uint64_t>();
    return header;
}

std::uint8_t cost_log(std::uint32_t cost_ms) {
    return static_cast<std::uint8_t>(std::min<int>(static_cast<int>(std::bit_width(cost_ms)), 31));
}

TocEntry toc_entry(const RecordHeader& header, std::uint64_t offset) {
    return {.key = header.key,
            .offset = offset,
            .record_length = header.record_length,
            .birth_low = static_cast<std::uint32_t>(header.birth),
            .type = header.type,
            .cost_log = cost_log(header.cost_ms)};
}

std::string encode(const Toc& toc) {
    std::string out;
    out.reserve(toc_bytes(toc.entries.size()));
    for (const TocEntry& entry : toc.entries) append_entry(out, entry);
    const auto entries = out.size();
    out.append(kTocMagic);
    append_number(out, std::uint64_t{0});  // the checksum, once the rest is there
    append_number(out, toc.last_generation);
    append_number(out, static_cast<std::uint32_t>(toc.entries.size()));
    append_number(out, kVersion);
    append_number(out, toc.end_of_records);
    append_number(out, std::uint64_t{0});
    const std::string_view all = out;
    put_number(out, entries + kChecksumAt, toc_checksum(all.substr(0, entries), all.substr(entries)));
    return out;
}

std::expected<TocClaim, BadRecord> parse_toc_footer(std::string_view last_48_bytes, std::uint64_t segment_bytes) {
    if (last_48_bytes.size() != kTocFooter || !last_48_bytes.starts_with(kTocMagic)) return std::unexpected(BadRecord::Nothing);
    Fields fields(last_48_bytes.substr(kCoveredFrom));
    TocClaim claim{.last_generation = fields.number<std::uint64_t>()};
    claim.needed = toc_bytes(fields.number<std::uint32_t>());
    const auto version = fields.number<std::uint32_t>();
    if (version != kVersion) return std::unexpected(version > kVersion ? BadRecord::Future : BadRecord::Corrupt);
    claim.end_of_records = fields.number<std::uint64_t>();
    if (segment_bytes < kSegmentHeader || claim.needed > segment_bytes - kSegmentHeader ||
        claim.end_of_records < kSegmentHeader || claim.end_of_records > segment_bytes - claim.needed)
        return std::unexpected(BadRecord::Corrupt);
    return claim;
}

std::expected<Toc, BadRecord> parse_toc(std::string_view tail, std::uint64_t segment_bytes) {
    if (tail.size() < kTocFooter) return std::unexpected(BadRecord::Torn);
    const auto footer = tail.substr(tail.size() - kTocFooter);
    const auto claim = parse_toc_footer(footer, segment_bytes);
    if (!claim) return std::unexpected(claim.error());
    if (tail.size() < claim->needed) return std::unexpected(BadRecord::Torn);
    const auto entries = tail.substr(tail.size() - claim->needed, claim->needed - kTocFooter);
    if (Fields(footer.substr(kChecksumAt)).number<std::uint64_t>() != toc_checksum(entries, footer))
        return std::unexpected(BadRecord::Corrupt);
    auto parsed = read_entries(entries, claim->end_of_records);
    if (!parsed) return std::unexpected(parsed.error());
    return Toc{.last_generation = claim->last_generation, .end_of_records = claim->end_of_records, .entries = *std::move(parsed)};
}

Scan scan_segment(const SegmentHeader& header, std::uint64_t segment_bytes, const ReadAt& read) {
    Scan scan{.last_generation = header.generation, .end = kSegmentHeader};
    while (scan.end < segment_bytes && segment_bytes - scan.end >= kRecordHeader) {
        const auto record = read_record(scan, segment_bytes, read);
        if (!record) {
            scan.why = record.error();
            break;
        }
        if (record->type != RecordType::Resumption) scan.entries.push_back(toc_entry(*record, scan.end));
        scan.end += record->record_length;
    }
    return scan;
}

}  // namespace selvage::cache_store
