// Arbitrary bytes as a small segment file of the disk tier.
//
// Claims: neither scan_segment() nor parse_toc() ever crashes or returns an entry outside the file; all that a scan returns
// decodes, in the generations that it says; entries follow one another without overlap. Every input is tried twice: as it is, and
// with the header, the footer and the checksums of all records made right, which reaches what lies behind them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "cache_store/disk/segment.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

constexpr SegmentHeader kHeader{.number = 1, .store = {1, 2}, .generation = 5};

void require(bool claim) {
    if (!claim) std::abort();
}

template <typename Number>
void put_at(std::string& bytes, std::size_t offset, Number number) {
    std::memcpy(bytes.data() + offset, &number, sizeof number);
}
template <typename Number>
Number number_at(std::string_view bytes, std::size_t offset) {
    Number number;
    std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
}

void require_in_order(const std::vector<TocEntry>& entries, std::uint64_t end, std::uint64_t file_bytes) {
    std::uint64_t free_from = kSegmentHeader;
    for (const auto& entry : entries) {
        require(entry.offset >= free_from && entry.record_length >= kRecordHeader);
        free_from = entry.offset + entry.record_length;
    }
    require(free_from <= end && end <= file_bytes);
}

void try_scan(const SegmentHeader& header, const std::string& file) {
    const auto read = [&](std::uint64_t offset, std::size_t bytes) {
        return offset < file.size() ? std::string_view(file).substr(offset, bytes) : std::string_view{};
    };
    const auto scan = scan_segment(header, file.size(), read);
    require_in_order(scan.entries, scan.end, std::max(file.size(), kSegmentHeader));
    for (const auto& entry : scan.entries) {
        const auto record = std::string_view(file).substr(entry.offset);
        const auto head = parse_record_head(record);
        require(head && toc_entry(*head, entry.offset) == entry && record_body(*head, record));
        require(head->generation >= header.generation && head->generation <= scan.last_generation);
        if (entry.type == RecordType::Object)
            require(!!decode_object(record, entry.key, header.generation, scan.last_generation));
    }
    // What a scan says is what a table of contents can say.
    const auto toc = parse_toc(encode(Toc{scan.last_generation, scan.end, scan.entries}),
                               file.size() + kSegmentHeader + toc_bytes(scan.entries.size()));
    require(toc && toc->entries == scan.entries && toc->end_of_records == scan.end);
}

void try_toc(std::string_view file) {
    if (file.size() < kTocFooter) return;
    const auto claim = parse_toc_footer(file.substr(file.size() - kTocFooter), file.size());
    if (!claim) return require(!parse_toc(file, file.size()));
    require(claim->needed >= kTocFooter && claim->needed <= file.size());
    const auto toc = parse_toc(file.substr(file.size() - claim->needed), file.size());
    if (!toc) return;
    require(toc_bytes(toc->entries.size()) == claim->needed);
    require_in_order(toc->entries, toc->end_of_records, file.size() - claim->needed);
    require(encode(*toc).size() == claim->needed);
}

void try_file(const std::string& file) {
    const auto header = parse_segment_header(file);
    if (header) require(parse_segment_header(encode(*header)) == *header);
    try_scan(header.value_or(kHeader), file);
    try_toc(file);
}

// Records where they claim to be, with right checksums; offsets as in record.h.
void repair_records(std::string& file) {
    for (std::size_t at = kSegmentHeader; at + kRecordHeader <= file.size();) {
        std::memcpy(file.data() + at, "slvR\1", 5);
        put_at(file, at + 6, std::uint16_t{kRecordHeader});
        std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(at) + 101, 11, '\0');
        // Lengths that fit more often than chance would have them.
        const auto meta = number_at<std::uint32_t>(file, at + 84) % 512;
        const auto part_length = number_at<std::uint32_t>(file, at + 92);
        const auto body = part_length == 0 ? number_at<std::uint64_t>(file, at + 72) % 1024 : 0;
        put_at(file, at + 84, meta);
        if (part_length == 0) put_at(file, at + 72, body);
        const auto length = record_length(meta, body);
        put_at(file, at + 80, length);
        if (at + length > file.size()) return;
        const std::string_view all = file;
        put_at(file, at + 48, checksum64(all.substr(at + kRecordHeader + meta, body)));
        put_at(file, at + 8, checksum64(all.substr(at + 16, kRecordHeader - 16 + meta), number_at<std::uint64_t>(file, at)));
        at += length;
    }
}

void repair_toc(std::string& file) {
    const auto footer = file.size() - kTocFooter;
    std::memcpy(file.data() + footer, "slvTOC\n", 8);
    put_at(file, footer + 28, std::uint32_t{1});
    const auto most = (footer - kSegmentHeader) / kTocEntry;
    const auto entries = most == 0 ? 0 : number_at<std::uint32_t>(file, footer + 24) % std::min<std::size_t>(most + 1, 16);
    put_at(file, footer + 24, static_cast<std::uint32_t>(entries));
    const std::string_view all = file;
    const auto checksum =
        checksum64(all.substr(footer + 16), checksum64(all.substr(footer - entries * kTocEntry, entries * kTocEntry)));
    put_at(file, footer + 8, checksum);
}

}  // namespace

// An input is what follows a segment's header.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    try_file(std::string(input));
    auto file = encode(kHeader).append(input);
    try_file(file);
    if (size < kTocFooter) return 0;
    repair_records(file);
    try_file(file);
    repair_toc(file);
    try_file(file);
    return 0;
}
