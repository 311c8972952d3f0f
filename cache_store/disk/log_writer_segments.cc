// From one segment to the next.
#include <fcntl.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "cache_store/disk/log_eviction.h"
#include "cache_store/disk/log_writer.h"

namespace selvage::cache_store {
namespace {

// A segment that could not be begun this often is left alone until the next start.
constexpr std::uint32_t kMostAttempts = 3;

std::string text_of(int fault) { return std::generic_category().message(fault); }

}  // namespace

LogWriter::Trouble LogWriter::failed(std::string_view what, int fault) {
    home_.log.warn(LogHome::kTopic, "{}: {}", what, text_of(fault));
    if (home_.contents->write_failed(home_.clocks.steady()))
        home_.log.error(LogHome::kTopic, "nothing is written to the disk for {} s: writes fail", Breaker::kRest.count());
    return Trouble::Fault;
}

// What has been written is still read.
void LogWriter::give_up() {
    home_.contents->with_segments([&](Segments& segments) {
        segments[open_->number].state = Segment::State::Sealed;
        segments[open_->number].given_up = true;
    });
    abandon();
}

void LogWriter::abandon() {
    output_.end();
    open_.reset();
}

void LogWriter::sync() {
    if (!open_) return;
    if (home_.files.fdatasync(open_->file->number()) == 0) return;
    failed("cannot make a segment durable", errno);
    give_up();
}

void LogWriter::seal() {
    sync();
    if (!open_) return;
    const Toc toc{.last_generation = open_->generation, .end_of_records = open_->end, .entries = std::move(open_->entries)};
    output_.skip_to(home_.geometry.segment_bytes - toc_bytes(toc.entries.size()));
    if (const int fault = append_now(encode(toc)); fault != 0) {
        failed("cannot seal a segment", fault);
        give_up();
        return;
    }
    sync();
    if (!open_) return;
    home_.contents->with_segments([&](Segments& segments) { segments[open_->number].state = Segment::State::Sealed; });
    abandon();
}

LogWriter::Trouble LogWriter::open_next() {
    const auto [unused, oldest] = home_.contents->with_segments([&](const Segments& segments) {
        const bool more = segments.files() < home_.geometry.segments;
        return std::pair(more ? segments.unused() : std::nullopt, segments.oldest(false));
    });
    if (unused) {
        const auto trouble = open_fresh(*unused);
        // Others have filled the disk: then what is ours already is used again.
        if (trouble != Trouble::NoRoom) return trouble;
    }
    if (!oldest) return Trouble::NoRoom;
    return open_again(*oldest);
}

// NoRoom: the disk is full.
LogWriter::Trouble LogWriter::open_fresh(std::uint32_t number) {
    auto file = open_file(home_.files, home_.folder.log.number(), segment_name(number), O_CREAT | O_EXCL);
    if (!file) return failed("cannot create a segment", errno);
    if (home_.files.fallocate(file->number(), static_cast<off_t>(home_.geometry.segment_bytes)) == 0) {
        const auto trouble = begin(number, std::move(file));
        if (trouble != Trouble::None) remove_segment(home_, number);
        return trouble;
    }
    const int fault = errno;
    remove_segment(home_, number);
    const auto trouble = failed("cannot allocate a segment", fault);
    return fault == ENOSPC || fault == EDQUOT ? Trouble::NoRoom : trouble;
}

LogWriter::Trouble LogWriter::open_again(std::uint32_t number) {
    home_.contents->note(&DiskStats::open_segment_bytes, 0);
    const auto survivors = evict(home_, number);
    auto file = home_.contents->with_segments([&](const Segments& segments) { return segments[number].file; });
    const auto bytes = static_cast<off_t>(home_.geometry.segment_bytes);
    const bool whole = home_.files.size_of(file->number()) == bytes || home_.files.fallocate(file->number(), bytes) == 0;
    const auto trouble = whole ? begin(number, std::move(file)) : failed("cannot allocate a segment", errno);
    if (trouble == Trouble::None) return add_survivors(survivors.records);
    home_.contents->dropped(survivors.records, &DiskStats::dropped_offline);
    home_.contents->with_segments([&](Segments& segments) {
        if (++segments[number].failed_opens >= kMostAttempts) segments[number].state = Segment::State::Dead;
    });
    return trouble;
}

int LogWriter::append_now(std::string_view bytes) {
    const int fault = output_.append(bytes);
    return fault != 0 ? fault : output_.flush();
}

// R6: the generation is durable before the first record has it.
LogWriter::Trouble LogWriter::begin(std::uint32_t number, LogFilePtr file) {
    const SegmentHeader header{.number = number,
                               .store = home_.superblock.uuid,
                               .generation = home_.next_generation++,
                               .opened_at = static_cast<std::uint32_t>(home_.clocks.wall().time_since_epoch().count()),
                               .purge_sequence = home_.purges.sequence()};
    int fault = output_.begin(number, file, 0);
    if (fault == 0) fault = append_now(encode(header));
    const bool durable = fault == 0 && home_.files.fdatasync(file->number()) == 0;
    if (!durable) {
        if (fault == 0) fault = errno;
        output_.end();
        return failed("cannot begin a segment", fault);
    }
    open_ = {.number = number, .file = file, .generation = header.generation};
    home_.contents->with_segments([&](Segments& segments) {
        segments[number] = Segment{.state = Segment::State::Open,
                                   .file = std::move(file),
                                   .life = {.first = header.generation, .last = header.generation}};
    });
    return Trouble::None;
}

void LogWriter::resume(std::uint32_t number, LogFilePtr file, SegmentEntries entries) {
    open_ = {.number = number,
             .file = std::move(file),
             .generation = entries.life.last,
             .end = entries.end,
             .entries = std::move(entries.entries)};
    home_.contents->with_segments([&](Segments& segments) { segments[number].state = Segment::State::Open; });
    if (const int fault = output_.begin(number, open_->file, open_->end); fault != 0) {
        failed("cannot go on in a segment", fault);
        return give_up();
    }
    if (!fits(kRecordHeader)) return seal();
    const std::uint64_t generation = home_.next_generation++;
    const auto record = encode_record_head(
        {.type = RecordType::Resumption, .generation = generation, .birth = open_->generation, .created = home_.clocks.wall()},
        {}, {});
    if (const int fault = append_now(record); fault != 0) {
        failed("cannot go on in a segment", fault);
        return give_up();
    }
    sync();
    if (!open_) return;
    home_.contents->note(&DiskStats::open_segment_bytes, open_->end + record.size());
    open_->generation = generation;
    open_->end += record.size();
    home_.contents->with_segments([&](Segments& segments) { segments[number].life.last = generation; });
}

}  // namespace selvage::cache_store
