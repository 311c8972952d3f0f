#include "cache_store/disk/log_home.h"

#include <fcntl.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "cache_store/disk/log_reader.h"

namespace selvage::cache_store {
namespace {

// Empty: not there.
std::expected<std::string, int> read_small(LogHome& home, const char* name, std::size_t bytes) {
    const auto file = open_file(home.files, home.folder.log.number(), name);
    if (!file && errno == ENOENT) return std::string();
    if (!file) return std::unexpected(errno);
    const auto read = read_bytes(*file, 0, bytes, Patience::Wait);
    if (!read) return std::unexpected(errno);
    return std::string(read->view());
}

Key128 new_identity() {
    Key128 identity;
    if (::getrandom(&identity, sizeof identity, 0) != sizeof identity) return {};  // cannot fail for so few bytes
    return identity;
}

std::expected<Toc, BadRecord> read_toc(const LogFile& file, std::uint64_t segment_bytes) {
    const auto footer = read_bytes(file, segment_bytes - kTocFooter, kTocFooter, Patience::Wait);
    if (!footer) return std::unexpected(BadRecord::Unreadable);
    const auto claim = parse_toc_footer(footer->view(), segment_bytes);
    if (!claim) return std::unexpected(claim.error());
    const auto tail = read_bytes(file, segment_bytes - claim->needed, claim->needed, Patience::Wait);
    if (!tail) return std::unexpected(BadRecord::Unreadable);
    return parse_toc(tail->view(), segment_bytes);
}

// A file read from its beginning to its end, in few reads however small the pieces that are asked for.
class Window {
public:
    explicit Window(const LogFile& file) : file_(file) {}

    // Shorter at the end of the file; empty when it cannot be read.
    std::string_view at(std::uint64_t offset, std::size_t bytes) {
        const bool held = offset >= start_ && offset + bytes <= start_ + held_.size;
        if (!held) {
            auto read = read_bytes(file_, offset, std::max(bytes, kAhead), Patience::Wait);
            failed_ = failed_ || !read;
            if (!read) return {};
            held_ = *std::move(read);
            start_ = offset;
        }
        return held_.view().substr(offset - start_, bytes);
    }
    bool failed() const { return failed_; }

private:
    static constexpr std::size_t kAhead = 1U << 20;
    const LogFile& file_;
    ReadBytes held_;
    std::uint64_t start_ = 0;
    bool failed_ = false;
};

}  // namespace

std::expected<Superblock, BadRecord> read_superblock(LogHome& home) {
    const auto first = read_small(home, kSuperblockNames[0], kSuperblock);
    const auto second = read_small(home, kSuperblockNames[1], kSuperblock);
    if (!first || !second) return std::unexpected(BadRecord::Unreadable);
    return choose_superblock(*first, *second);
}

int write_superblock(LogHome& home) {
    Superblock next = home.superblock;
    ++next.serial;
    const auto file = open_file(home.files, home.folder.log.number(), kSuperblockNames[next.serial % 2], O_CREAT);
    if (!file) return errno;
    auto bytes = encode(next);
    iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
    if (const int fault = write_all(home.files, file->number(), &part, 1, 0); fault != 0) return fault;
    if (home.files.fdatasync(file->number()) != 0) return errno;
    home.superblock = next;
    home.contents->count(&DiskStats::device_bytes, bytes.size());
    return 0;
}

bool remove_segment(LogHome& home, std::uint32_t number) {
    const bool gone = home.files.unlinkat(home.folder.log.number(), segment_name(number).c_str()) == 0 || errno == ENOENT;
    home.contents->with_segments(
        [&](Segments& segments) { segments[number] = Segment{.state = gone ? Segment::State::Absent : Segment::State::Dead}; });
    return gone;
}

int begin_cold(LogHome& home) {
    const int log = home.folder.log.number();
    // Superblocks first: without them nothing that is left counts.
    for (const char* const name : kSuperblockNames) home.files.unlinkat(log, name);
    home.files.unlinkat(log, kHotList);
    home.contents->forget_segments();
    const auto names = list_log(log);
    if (names) {
        for (const auto number : names->segments) {
            if (number < kMostSegments) {
                remove_segment(home, number);
            } else {
                home.files.unlinkat(log, segment_name(number).c_str());
            }
        }
    }
    home.superblock = {.serial = home.superblock.serial,
                       .uuid = new_identity(),
                       .segment_bytes = home.geometry.segment_bytes,
                       .segments = home.geometry.segments};
    if (home.geometry.segments == 0) return 0;
    if (const int fault = write_superblock(home); fault != 0) return fault;
    return home.files.fdatasync(log) == 0 ? 0 : errno;
}

std::expected<SegmentHeader, BadRecord> read_segment_header(const LogFile& file) {
    const auto bytes = read_bytes(file, 0, kSegmentHeader, Patience::Wait);
    if (!bytes) return std::unexpected(BadRecord::Unreadable);
    return parse_segment_header(bytes->view());
}

SegmentEntries read_entries(const LogFile& file, const SegmentHeader& header, std::uint64_t segment_bytes) {
    SegmentEntries found{.life = {.first = header.generation, .last = header.generation}};
    // A table of an earlier life lies there until the segment is sealed again.
    if (auto toc = read_toc(file, segment_bytes); toc && toc->last_generation >= header.generation) {
        found.entries = std::move(toc->entries);
        found.end = toc->end_of_records;
        found.life.last = toc->last_generation;
        found.sealed = true;
        return found;
    }
    Window window(file);
    auto scan =
        scan_segment(header, segment_bytes, [&](std::uint64_t offset, std::size_t bytes) { return window.at(offset, bytes); });
    found.entries = std::move(scan.entries);
    found.end = scan.end;
    found.life.last = scan.last_generation;
    found.unreadable = window.failed();
    return found;
}

}  // namespace selvage::cache_store
