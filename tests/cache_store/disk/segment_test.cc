#include "cache_store/disk/segment.h"

#include <catch2/catch.hpp>

#include "tests/cache_store/disk/record_bytes.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

constexpr std::size_t kBytes = 64 << 10;
const SegmentHeader kHeader{.number = 3, .store = {1, 2}, .generation = 10, .opened_at = 1'795'000'000, .purge_sequence = 5};

std::string flipped(std::string bytes, std::size_t bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    return bytes;
}

Toc toc_of(const Scan& scan) { return {scan.last_generation, scan.end, scan.entries}; }

// Three objects, a tombstone.
struct Written {
    SegmentBytes segment{kHeader, kBytes};
    std::vector<std::uint64_t> offsets;
    Written() {
        for (std::uint64_t number = 0; number < 3; ++number)
            offsets.push_back(segment.add(object_bytes(disk_key(number), 10, std::string(1000 + number, 'x'))));
        offsets.push_back(segment.add(record_bytes({.type = RecordType::Tombstone, .generation = 10, .key = disk_key(0)}, {})));
    }
    Scan scan() const {
        const auto file = segment.all();
        return scan_segment(kHeader, kBytes, reader_of(file));
    }
};

}  // namespace

TEST_CASE("a segment's header gives back what was written; any flipped bit of it is found") {
    const auto bytes = encode(kHeader);
    REQUIRE(bytes.size() == kSegmentHeader);
    CHECK(parse_segment_header(bytes) == kHeader);
    CHECK(parse_segment_header(bytes + "records") == kHeader);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        CAPTURE(bit);
        CHECK_FALSE(parse_segment_header(flipped(bytes, bit)));
    }
    CHECK(parse_segment_header(std::string(4096, '\0')).error() == BadRecord::Nothing);
    CHECK(parse_segment_header(bytes.substr(0, 4095)).error() == BadRecord::Torn);
}

TEST_CASE("a segment of the next version is of the future, when its checksum fits") {
    auto bytes = encode(kHeader);
    bytes[16] = 2;
    CHECK(parse_segment_header(bytes).error() == BadRecord::Corrupt);
    const auto checksum = checksum64(std::string_view(bytes).substr(16));
    std::memcpy(bytes.data() + 8, &checksum, sizeof checksum);
    CHECK(parse_segment_header(bytes).error() == BadRecord::Future);
}

TEST_CASE("a scan finds every record of a segment, in order, and where they end") {
    const Written written;
    const auto scan = written.scan();
    REQUIRE(scan.entries.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) CHECK(scan.entries[i].offset == written.offsets[i]);
    CHECK(scan.entries[1].key == disk_key(1));
    CHECK(scan.entries[1].cost_log == 10);  // 512 ms
    CHECK(scan.entries[1].birth_low == 7);
    CHECK(scan.entries[3].type == RecordType::Tombstone);
    CHECK(scan.end == written.segment.end());
    CHECK(scan.last_generation == 10);
    CHECK(scan.why == BadRecord::Nothing);
}

TEST_CASE("a scan stops at a torn record and keeps everything before it") {
    const Written written;
    const auto sound = written.segment.all();
    const auto third = written.offsets[2];
    for (std::size_t at = third; at < third + kRecordHeader + 31 + 1002; at += 7) {
        CAPTURE(at);
        const auto damaged = flipped(sound, at * 8 + at % 8);
        const auto scan = scan_segment(kHeader, kBytes, reader_of(damaged));
        CHECK(scan.entries.size() == 2);
        CHECK(scan.end == third);
        CHECK(scan.why != BadRecord::Foreign);
    }
    for (std::size_t length = kSegmentHeader; length < written.segment.end(); length += 13) {  // the file itself is cut
        CAPTURE(length);
        const auto cut = sound.substr(0, length);
        const auto scan = scan_segment(kHeader, kBytes, reader_of(cut));
        CHECK(scan.end <= length);
        for (const auto& entry : scan.entries) CHECK(entry.offset + entry.record_length <= length);
    }
}

TEST_CASE("a scan does not believe what an earlier life of the segment left behind") {
    SegmentBytes segment(kHeader, kBytes);
    segment.add(object_bytes(disk_key(1), 10, "of this life"));
    const auto end = segment.end();
    segment.add(object_bytes(disk_key(2), 9, "of the one before"));
    const auto file = segment.all();
    const auto scan = scan_segment(kHeader, kBytes, reader_of(file));
    CHECK(scan.entries.size() == 1);
    CHECK(scan.end == end);
    CHECK(scan.why == BadRecord::Foreign);
}

TEST_CASE("a resumption fences off what lay behind it") {
    Written written;
    auto& segment = written.segment;
    const auto resumed_at = segment.end();
    segment.add(resumption_bytes(15, 10));

    SECTION("records of its own generation follow it") {
        segment.add(object_bytes(disk_key(8), 15, "after the restart"));
        const auto scan = written.scan();
        CHECK(scan.last_generation == 15);
        REQUIRE(scan.entries.size() == 5);  // it has no entry itself
        CHECK(scan.entries[4].key == disk_key(8));
        CHECK(scan.end == segment.end());
    }
    SECTION("a sound record of the generation before it does not") {  // it was written before the crash, beyond one that was lost
        segment.add(object_bytes(disk_key(8), 10, "before the crash"));
        const auto scan = written.scan();
        CHECK(scan.entries.size() == 4);
        CHECK(scan.end == resumed_at + kRecordHeader);
        CHECK(scan.why == BadRecord::Foreign);
    }
    SECTION("it may be followed by another") {
        segment.add(resumption_bytes(20, 15));
        segment.add(object_bytes(disk_key(8), 20, "after the second restart"));
        CHECK(written.scan().entries.size() == 5);
        CHECK(written.scan().last_generation == 20);
    }
    SECTION("one that does not follow from this life ends it") {
        segment.add(resumption_bytes(20, 10));
        CHECK(written.scan().end == resumed_at + kRecordHeader);
        CHECK(written.scan().last_generation == 15);
    }
    SECTION("nor does one that goes back in generations") {
        segment.add(resumption_bytes(15, 15));
        CHECK(written.scan().end == resumed_at + kRecordHeader);
    }
}

TEST_CASE("a scan goes on to the last byte of a full segment, and not beyond") {
    SegmentBytes segment(kHeader, kBytes);
    const std::string body(kBytes - kSegmentHeader - record_length(31, 0), 'b');
    segment.add(object_bytes(disk_key(1), 10, body));
    REQUIRE(segment.end() <= kBytes);
    const auto file = segment.all();
    CHECK(scan_segment(kHeader, kBytes, reader_of(file)).entries.size() == 1);
    CHECK(scan_segment(kHeader, kBytes - 16, reader_of(file)).entries.empty());
}

TEST_CASE("a scan whose reads fail says so") {
    const auto nothing = [](std::uint64_t, std::size_t) { return std::string_view{}; };
    const auto scan = scan_segment(kHeader, kBytes, nothing);
    CHECK(scan.entries.empty());
    CHECK(scan.end == kSegmentHeader);
    CHECK(scan.why == BadRecord::Unreadable);
}

TEST_CASE("a scan reads no more than a largest head before it has seen a checksum") {
    SegmentBytes segment(kHeader, kBytes);
    auto record = object_bytes(disk_key(1), 10, std::string(40'000, 'b'));
    record[48] = static_cast<char>(record[48] ^ 1);  // its head is not sound
    segment.add(record);
    const auto file = segment.all();
    std::size_t most = 0;
    const auto read = reader_of(file);
    const auto watched = [&](std::uint64_t offset, std::size_t bytes) {
        most = std::max(most, bytes);
        return read(offset, bytes);
    };
    CHECK(scan_segment(kHeader, kBytes, watched).entries.empty());
    CHECK(most <= kLargestRecordHead);
}

TEST_CASE("a table of contents gives back what was written, from the end of the file") {
    const Written written;
    const auto toc = toc_of(written.scan());
    const auto file = written.segment.sealed(toc);
    const auto claim = parse_toc_footer(std::string_view(file).substr(file.size() - kTocFooter), kBytes);
    REQUIRE(claim);
    CHECK(claim->needed == toc_bytes(4));
    CHECK(claim->last_generation == 10);
    for (const std::size_t tail : {claim->needed, claim->needed + 100, file.size()}) {
        const auto parsed = parse_toc(std::string_view(file).substr(file.size() - tail), kBytes);
        REQUIRE(parsed);
        CHECK(parsed->entries == toc.entries);
        CHECK(parsed->end_of_records == toc.end_of_records);
        CHECK(parsed->last_generation == 10);
    }
    CHECK(parse_toc(std::string_view(file).substr(file.size() - claim->needed + 1), kBytes).error() == BadRecord::Torn);
    CHECK(parse_toc(std::string(100, '\0'), kBytes).error() == BadRecord::Nothing);
}

TEST_CASE("any flipped bit of a table of contents is found") {
    const Written written;
    const auto tail = encode(toc_of(written.scan()));
    for (std::size_t bit = 0; bit < tail.size() * 8; ++bit) {
        CAPTURE(bit);
        CHECK_FALSE(parse_toc(flipped(tail, bit), kBytes));
    }
}

TEST_CASE("a table of contents that names a place outside the records is refused, whatever its checksum says") {
    const Written written;
    const auto sound = toc_of(written.scan());
    REQUIRE(parse_toc(encode(sound), kBytes));
    const auto refused = [](const Toc& toc) { return parse_toc(encode(toc), kBytes).error() == BadRecord::Corrupt; };

    auto toc = sound;
    SECTION("behind the end") { toc.end_of_records -= 8; }
    SECTION("before the beginning") { toc.entries[0].offset = kSegmentHeader - 8; }
    SECTION("overlapping") { toc.entries[1].offset -= 8; }
    SECTION("out of order") { std::swap(toc.entries[0], toc.entries[1]); }
    SECTION("shorter than a record") { toc.entries[0].record_length = 104; }
    SECTION("not aligned") { toc.entries[3].record_length -= 4; }
    SECTION("of a type that has no entry") { toc.entries[0].type = RecordType::Resumption; }
    SECTION("an end within the table itself") { toc.end_of_records = kBytes - 8; }
    CHECK(refused(toc));
}

TEST_CASE("a cost is kept as the power of two above it") {
    CHECK(cost_log(0) == 0);
    CHECK(cost_log(1) == 1);
    CHECK(cost_log(2) == 2);
    CHECK(cost_log(3) == 2);
    CHECK(cost_log(512) == 10);
    CHECK(cost_log(UINT32_MAX) == 31);
}
