#include "cache_store/disk/inspected_segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "cache_store/disk/fields.h"
#include "cache_store/disk/log_folder.h"

namespace selvage::cache_store {
namespace {

// A batch of the writer's is on its way for milliseconds; reading a segment again takes longer.
constexpr int kMostReadings = 4;
constexpr std::size_t kGenerationAt = 16;  // in a record's header, and in a footer
constexpr std::string_view kRecordMagic = "slvR";
constexpr std::size_t kSearched = 256U << 10;  // at a time

// One reading of one segment file.
class Reading {
public:
    Reading(const InspectedStore& store, std::uint32_t number, InspectedFile& file, Depth depth)
        : store_(store), file_(file), depth_(depth), bytes_(file.bytes()) {
        report_.segment = {.number = number, .file_bytes = file.bytes()};
        report_.blocks = file.blocks();
    }

    SegmentReport run() {
        if (read_header()) read_records();
        if (file_.failed()) wrong(0, "it cannot be read");
        return std::move(report_);
    }

private:
    InspectedSegment& segment() { return report_.segment; }
    void found(Finding::Kind kind, std::uint64_t offset, std::string what) {
        report_.findings.push_back({kind, segment_name(segment().number), offset, std::move(what)});
    }
    void wrong(std::uint64_t offset, std::string what) { found(Finding::Kind::Wrong, offset, std::move(what)); }

    // False: there is nothing to read behind it.
    bool read_header() {
        using State = InspectedSegment::State;
        const auto bytes = file_.read(0, kSegmentHeader);
        const auto header = parse_segment_header(bytes);
        if (!header && bytes.find_first_not_of('\0') == std::string_view::npos) return false;  // Empty
        if (!header) {
            segment().state = State::Bad;
            wrong(0, fmt::format("the segment's header is {}", name_of(header.error())));
            return false;
        }
        if (store_.superblock && header->store != store_.superblock->uuid) {
            segment().state = State::Foreign;
            return false;
        }
        header_ = *header;
        segment().state = State::Open;
        segment().generation = segment().last_generation = header->generation;
        segment().opened_at = header->opened_at;
        segment().purge_sequence = header->purge_sequence;
        segment().end = kSegmentHeader;
        if (header->number != segment().number) wrong(0, fmt::format("it says that it is segment {}", header->number));
        if (store_.superblock && bytes_ != store_.superblock->segment_bytes)
            wrong(0, fmt::format("it has {} bytes, not {}", bytes_, store_.superblock->segment_bytes));
        return true;
    }

    void read_records() {
        const auto toc = read_toc();
        if (!toc) return scan();
        segment().state = InspectedSegment::State::Sealed;
        segment().last_generation = toc->last_generation;
        segment().end = toc->end_of_records;
        segment().entries = toc->entries;
        if (depth_ == Depth::EveryByte) verify(*toc);
    }

    // Of this life. One of an earlier life lies there until the segment is sealed again, overwritten from its front.
    std::optional<Toc> read_toc() {
        if (bytes_ < kSegmentHeader + kTocFooter) return std::nullopt;
        const auto at = bytes_ - kTocFooter;
        const std::string footer(file_.read(at, kTocFooter));
        const auto claim = parse_toc_footer(footer, bytes_);
        if (claim) {
            const auto begins = bytes_ - claim->needed;
            auto toc = parse_toc(file_.read(begins, claim->needed), bytes_);
            if (toc && toc->last_generation >= header_.generation) return *std::move(toc);
            if (!toc && claim->last_generation >= header_.generation) {
                wrong(begins, fmt::format("the table of contents is {}", name_of(toc.error())));
            } else if (!toc) {
                unsound_toc_ = begins;
            }
            return std::nullopt;
        }
        if (claim.error() != BadRecord::Nothing) {
            wrong(at, fmt::format("the table of contents is {}", name_of(claim.error())));
        } else if (footer.size() == kTocFooter) {
            unknown_footer_ = Fields(std::string_view(footer).substr(kGenerationAt)).number<std::uint64_t>();
        }
        return std::nullopt;
    }

    ReadAt reader() {
        return [this](std::uint64_t offset, std::size_t bytes) { return file_.read(offset, bytes); };
    }

    void scan() {
        auto scan = scan_segment(header_, bytes_, reader());
        segment().last_generation = scan.last_generation;
        segment().end = scan.end;
        segment().entries = std::move(scan.entries);
        if (unsound_toc_ > scan.end) wrong(unsound_toc_, "the table of contents is corrupt");
        // A flipped bit in what makes it a footer: the generation still says whose it is.
        if (unknown_footer_ == scan.last_generation && scan.end <= bytes_ - kTocFooter)
            wrong(bytes_ - kTocFooter, "the table of contents is corrupt");
        if (const auto lost = what_lies_behind(scan); !lost.empty())
            found(store_.running ? Finding::Kind::InUse : Finding::Kind::Wrong, scan.end, lost);
    }

    // A log ends where nothing is, or what an earlier life left. Empty: so does this one.
    std::string what_lies_behind(const Scan& scan) {
        if (scan.why == BadRecord::Unreadable) return "it cannot be read";
        // What an earlier life left is sound, or no record's beginning; a flipped bit leaves either the magic or the generation.
        const auto here = file_.read(scan.end, kLargestRecordHead);
        const auto head = parse_record_head(here);
        const bool begins = head || head.error() != BadRecord::Nothing;
        const bool ours =
            here.size() >= kRecordHeader && Fields(here.substr(kGenerationAt)).number<std::uint64_t>() == scan.last_generation;
        if (ours || (begins && !head)) return fmt::format("the record is {}", name_of(scan.why));
        if (depth_ != Depth::EveryByte) return {};
        const auto next = next_record_of_this_life(scan.end + kAlignment);
        if (!next) return {};
        return fmt::format("{} bytes are no record, and records follow", *next - scan.end);
    }

    std::optional<std::uint64_t> next_record_of_this_life(std::uint64_t from) {
        while (from < bytes_) {
            const auto window = file_.read(from, kSearched + kRecordMagic.size());
            const auto found = window.find(kRecordMagic);
            if (found == std::string_view::npos) {
                from += kSearched;
                continue;
            }
            from += found;
            const auto head = parse_record_head(file_.read(from, kLargestRecordHead));
            if (head && from % kAlignment == 0 && head->generation == segment().last_generation) return from;
            ++from;
        }
        return std::nullopt;
    }

    // ---- every record of a sealed segment

    void verify(const Toc& toc) {
        std::uint64_t expected = kSegmentHeader, generation = header_.generation;
        auto sound = std::move(segment().entries);
        segment().entries.clear();
        for (const auto& entry : sound) {
            verify_gap(expected, entry.offset, generation);
            const auto reason = verify_record(entry, generation);
            if (reason.empty()) {
                segment().entries.push_back(entry);
            } else {
                wrong(entry.offset, reason);
            }
            expected = entry.offset + entry.record_length;
        }
        verify_gap(expected, toc.end_of_records, generation);
        if (generation != toc.last_generation && report_.findings.empty())
            wrong(bytes_ - kTocFooter,
                  fmt::format("it says that generation {} is the last, which is {}", toc.last_generation, generation));
    }

    // Between the records of a table of contents there are resumptions only.
    void verify_gap(std::uint64_t from, std::uint64_t to, std::uint64_t& generation) {
        while (from < to) {
            const auto header = parse_record_head(file_.read(from, kRecordHeader));
            if (!header || header->type != RecordType::Resumption || header->birth != generation) {
                const auto why = header ? std::string_view("not listed") : name_of(header.error());
                return wrong(from,
                             fmt::format("the table of contents leaves out {} bytes, and what is there is {}", to - from, why));
            }
            generation = header->generation;
            from += header->record_length;
        }
    }

    // Empty: sound.
    std::string verify_record(const TocEntry& entry, std::uint64_t generation) {
        const auto record = file_.read(entry.offset, entry.record_length);
        const auto header = parse_record_head(record);
        if (!header) return fmt::format("the record is {}", name_of(header.error()));
        if (toc_entry(*header, entry.offset) != entry) return "the record is not the one of the table of contents";
        if (header->generation != generation)
            return fmt::format("the record is of generation {}, not {}", header->generation, generation);
        if (record.size() < header->record_length) return "the record is torn";
        if (const auto body = record_body(*header, record); !body) return "the record's body is corrupt";
        return {};
    }

    const InspectedStore& store_;
    InspectedFile& file_;
    Depth depth_;
    std::uint64_t bytes_;
    SegmentHeader header_;
    SegmentReport report_;
    std::uint64_t unsound_toc_ = 0;     // where it begins; of an earlier life, it seems
    std::uint64_t unknown_footer_ = 0;  // the generation that it would have
};

SegmentReport unreadable(std::uint32_t number, int error) {
    SegmentReport report{.segment = {.state = InspectedSegment::State::Bad, .number = number}};
    report.findings.push_back(
        {.file = segment_name(number), .what = fmt::format("it cannot be opened: {}", std::generic_category().message(error))});
    return report;
}

}  // namespace

std::optional<SegmentReport> inspect_segment(const InspectedStore& store, std::uint32_t number, Depth depth) {
    std::optional<SegmentReport> last;
    std::optional<InspectedFile::Stamp> stamp;
    for (int reading = 0; reading < kMostReadings; ++reading) {
        auto file = InspectedFile::open(store.log, segment_name(number));
        if (!file && errno == ENOENT) return std::nullopt;
        if (!file) return unreadable(number, errno);
        auto report = Reading(store, number, *file, depth).run();
        if (report.findings.empty()) return report;
        const auto now = file->stamp();
        if (last && stamp == now && last->findings == report.findings) return report;
        last = std::move(report);
        stamp = now;
    }
    for (auto& finding : last->findings) finding.kind = Finding::Kind::InUse;
    return last;
}

}  // namespace selvage::cache_store
