#include "cache_store/disk/log_opening.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/units.h"
#include "cache_store/disk/log_eviction.h"

namespace selvage::cache_store {
namespace {

std::unexpected<Error> unusable(std::string_view what, int fault) {
    return fail(ErrorKind::Internal, fmt::format("{}: {}", what, std::generic_category().message(fault)));
}

Result<void> cold(LogHome& home, std::string_view why) {
    if (!why.empty()) home.log.warn(LogHome::kTopic, "the disk begins empty: {}", why);
    if (const int fault = begin_cold(home); fault != 0) return unusable("cannot begin a store", fault);
    return {};
}

// Purges before anything that they might concern. What was stored is of no use without the journal it lived with.
Result<void> open_purges(LogHome& home, bool journal_there, bool warm) {
    const int folder = home.folder.log.number();
    if (warm && !journal_there) TRY(cold(home, "its purge journal is missing"));
    const auto opened = home.purges.open(folder, home.files, home.log);
    if (opened) return {};
    TRY(cold(home, opened.error().detail));
    return home.purges.open_anew(folder, home.files, home.log);
}

constexpr std::uint64_t kGenerationsApart = 1ULL << 32;

enum class FoundSegment : std::uint8_t { Ours, NotOurs, Unreadable, JournalLost };

FoundSegment judge(const LogHome& home, const LogFile& file, std::uint32_t number,
                   const std::expected<SegmentHeader, BadRecord>& header) {
    if (!header) return header.error() == BadRecord::Unreadable ? FoundSegment::Unreadable : FoundSegment::NotOurs;
    const bool ours = header->number == number && header->store == home.superblock.uuid &&
                      home.files.size_of(file.number()) <= static_cast<off_t>(home.geometry.segment_bytes);
    if (!ours) return FoundSegment::NotOurs;
    return header->purge_sequence <= home.purges.sequence() ? FoundSegment::Ours : FoundSegment::JournalLost;
}

// Takes note of a segment's file, or removes it when it is none of this store's.
FoundSegment find_segment(LogHome& home, std::uint32_t number) {
    if (number >= kMostSegments) {
        home.files.unlinkat(home.folder.log.number(), segment_name(number).c_str());
        return FoundSegment::NotOurs;
    }
    auto file = open_file(home.files, home.folder.log.number(), segment_name(number));
    const auto header = file ? read_segment_header(*file) : std::unexpected(BadRecord::Unreadable);
    const auto found = file ? judge(home, *file, number, header) : FoundSegment::Unreadable;
    if (found == FoundSegment::NotOurs) remove_segment(home, number);
    home.contents->with_segments([&](Segments& segments) {
        if (found == FoundSegment::Unreadable) segments[number].state = Segment::State::Dead;
        if (found != FoundSegment::Ours) return;
        segments[number] = Segment{.state = Segment::State::Found,
                                   .file = std::move(file),
                                   .life = {.first = header->generation, .last = header->generation}};
        // Resumptions are numbered after the newest header; the newest segment's entries tell them.
        home.next_generation = std::max(home.next_generation, header->generation + 1);
    });
    return found;
}

Result<void> find_segments(LogHome& home) {
    for (const auto number : TRY(list_log(home.folder.log.number())).segments) {
        const auto found = find_segment(home, number);
        if (found == FoundSegment::JournalLost) return cold(home, "its purge journal is older than what is stored");
        // It may be the newest; no segment of ours is this many generations ahead.
        if (found == FoundSegment::Unreadable) home.next_generation += kGenerationsApart;
    }
    return {};
}

// All files within the limit. Bodies that are being read do not hold anything up: the limit counts.
void fit_segments(LogHome& home) {
    for (;;) {
        const auto victim = home.contents->with_segments([&](const Segments& segments) {
            return segments.files() > home.geometry.segments ? segments.oldest(true) : std::nullopt;
        });
        if (!victim) return;
        empty(home, *victim);
        remove_segment(home, *victim);
    }
}

// A reader's copy of the last entries first.
std::vector<TocEntry> backwards(std::vector<TocEntry> entries) {
    std::ranges::reverse(entries);
    return entries;
}

bool restore(LogHome& home, const std::vector<TocEntry>& last_first, std::uint32_t number) {
    constexpr std::size_t kPortion = 256;  // per hold of the mutex
    const std::span all(last_first);
    for (std::size_t from = 0; from < all.size(); from += kPortion) {
        const auto some = all.subspan(from, std::min(kPortion, all.size() - from));
        if (home.contents->restore(some, number, home.purges.sequence()) == LogContents::Restored::JournalLost) return false;
    }
    return true;
}

std::size_t slots_for(const LogHome& home) { return Index::slots_for(home.geometry.segment_bytes * home.geometry.segments); }

// A larger index: all that it knew is in the segments.
void index_anew(LogHome& home, const LogWriter& writer) {
    home.contents->with_segments([](Segments& segments) { segments.find_again(); });
    home.contents->begin_indexing(slots_for(home));
    if (writer.open()) restore(home, backwards(writer.open()->entries), writer.open()->number);
}

// The superblock that counts, or nothing: then the store begins cold. A later version's is kept aside.
Result<std::optional<Superblock>> usable_superblock(LogHome& home) {
    const auto chosen = read_superblock(home);
    if (chosen) return *chosen;
    if (chosen.error() == BadRecord::Unreadable) return fail(ErrorKind::Internal, "cannot read the superblocks");
    if (chosen.error() != BadRecord::Future) return std::nullopt;
    const auto name = TRY(keep_aside(home.folder, home.files));
    home.log.warn(LogHome::kTopic, "a later version's store is kept as objects/{}, outside of the limit; the disk begins empty",
                  name);
    return std::nullopt;
}

// Found while records are looked at: what is stored was born after the newest purge that is known.
void journal_lost(LogHome& home, LogWriter& writer) {
    if (const auto begun = cold(home, "its purge journal is older than what is stored"); !begun)
        home.log.error(LogHome::kTopic, "{}", begun.error().detail);
    writer.abandon();
    home.contents->begin_indexing(slots_for(home));
}

}  // namespace

Result<void> open_log(LogHome& home, std::uint64_t limit) {
    const auto chosen = TRY(usable_superblock(home));
    const auto names = TRY(list_log(home.folder.log.number()));
    const auto kept = chosen ? geometry_for(limit, chosen->segment_bytes) : std::nullopt;
    home.geometry = kept.value_or(geometry_for(limit));
    home.superblock = chosen.value_or(Superblock{});
    home.next_generation = 1;
    home.contents->configure(home.geometry, limit);
    home.contents->forget_segments();
    if (!kept) {
        const bool broken = !chosen && (names.superblocks || !names.segments.empty());
        TRY(cold(home, chosen ? "its limit is another one" : broken ? "its superblocks are not sound" : ""));
    }
    TRY(open_purges(home, !names.journals.empty(), kept.has_value()));
    if (kept) {
        TRY(find_segments(home));
        fit_segments(home);
    }
    if (home.superblock.segments != home.geometry.segments) {
        home.superblock.segments = home.geometry.segments;
        if (const int fault = write_superblock(home); fault != 0) return unusable("cannot write the superblock", fault);
    }
    home.contents->begin_indexing(slots_for(home));
    return {};
}

bool index_next(LogHome& home, LogWriter& writer) {
    const auto number = home.contents->with_segments([](const Segments& segments) { return segments.newest_found(); });
    if (!number) {
        home.contents->restored_all();
        return false;
    }
    const auto [segment, newest] = home.contents->with_segments(
        [&](const Segments& segments) { return std::pair(segments[*number], segments.is_newest(*number)); });
    const SegmentHeader header{.number = *number, .store = home.superblock.uuid, .generation = segment.life.first};
    auto found = read_entries(*segment.file, header, home.geometry.segment_bytes);
    home.contents->with_segments([&](Segments& segments) {
        segments[*number].life.last = found.life.last;
        segments[*number].state = Segment::State::Sealed;
    });
    home.contents->count(&DiskStats::indexed_segments);
    if (!restore(home, backwards(found.entries), *number)) {
        journal_lost(home, writer);
    } else if (newest) {
        home.next_generation = std::max(home.next_generation, found.life.last + 1);
        // Behind what cannot be read, resumptions may lie: a segment holds no more of them than this.
        if (found.unreadable) home.next_generation += home.geometry.segment_bytes / kRecordHeader;
        if (!found.sealed && !found.unreadable && !segment.given_up) writer.resume(*number, segment.file, std::move(found));
    }
    return true;
}

void change_limit(LogHome& home, LogWriter& writer, std::uint64_t limit) {
    const auto kept = geometry_for(limit, home.geometry.segment_bytes);
    const auto before = std::exchange(home.geometry, kept.value_or(geometry_for(limit)));
    home.contents->configure(home.geometry, limit);
    if (!kept) {
        writer.abandon();
        const auto begun =
            cold(home, home.geometry.segments == 0 ? "its limit is too small for any object" : "its limit is another one");
        if (!begun) home.log.error(LogHome::kTopic, "{}", begun.error().detail);
        home.contents->begin_indexing(slots_for(home));
        return;
    }
    fit_segments(home);
    if (home.geometry.segments == before.segments) return;
    if (slots_for(home) > home.contents->slots()) index_anew(home, writer);
    home.superblock.segments = home.geometry.segments;
    if (const int fault = write_superblock(home); fault != 0)
        home.log.warn(LogHome::kTopic, "cannot write the superblock: {}", std::generic_category().message(fault));
}

}  // namespace selvage::cache_store
