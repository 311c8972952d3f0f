#include "cache_store/disk/inspection.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "base/file_descriptor.h"
#include "cache_store/purge/purge_journal.h"
#include "tests/cache_store/disk/record_bytes.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

constexpr std::size_t kSegment = 1 << 20;
const Key128 kUuid{11, 22};

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// A store as a server leaves it, made by hand: two sealed segments and an open one, one object in parts, one that was replaced,
// one that was removed, one with new lifetimes.
struct Store {
    std::filesystem::path folder = make_folder();
    std::filesystem::path log = folder / "objects" / "log-1";
    std::string body = std::string(600'000, 'p');  // in parts of 256 KiB

    Store() {
        std::filesystem::create_directories(log);
        write("superblock.1", encode(Superblock{.serial = 1, .uuid = kUuid, .segment_bytes = kSegment, .segments = 4}));
        write("superblock.0", encode(Superblock{.serial = 2, .uuid = kUuid, .segment_bytes = kSegment, .segments = 4}));
        write("purges.0", encode_journal(2, 9, Floors{}));
        write("hot", "whatever");
        write("segment.00000", first());
        write("segment.00001", second());
        write("segment.00002", third());
        write("segment.00003", std::string(kSegment, '\0'));
    }
    ~Store() { std::filesystem::remove_all(folder); }

    static std::filesystem::path make_folder() {
        auto pattern = (std::filesystem::temp_directory_path() / "selvage-inspected-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        return pattern;
    }
    static SegmentBytes segment(std::uint32_t number, std::uint64_t generation) {
        return {{.number = number, .store = kUuid, .generation = generation, .opened_at = 100}, kSegment};
    }
    static std::string sealed(const SegmentBytes& bytes, std::uint64_t generation, std::uint32_t number) {
        const auto all = bytes.all();
        const SegmentHeader header{.number = number, .store = kUuid, .generation = generation};
        const auto scan = scan_segment(header, kSegment, reader_of(all));
        REQUIRE(scan.end == bytes.end());
        return bytes.sealed({scan.last_generation, scan.end, scan.entries});
    }
    RecordHeader in_parts(RecordType type) const {
        auto header = object_header(disk_key(50), 10, body);
        header.type = type;
        header.part_length = 256 << 10;
        return header;
    }
    std::string first() const {
        auto bytes = segment(0, 10);
        bytes.add(object_bytes(disk_key(1), 10, "to be replaced"));
        bytes.add(object_bytes(disk_key(2), 10, "to be removed"));
        for (std::uint32_t part = 0; part < 3; ++part) {
            auto header = in_parts(RecordType::Part);
            header.key = part_key(header.key, header.body_checksum, part);
            header.part_number = part;
            const auto piece = body.substr(part * header.part_length, header.part_length);
            header.body_checksum = checksum64(piece);
            bytes.add(record_bytes(header, piece));
        }
        bytes.add(record_bytes(in_parts(RecordType::Object), {}, "type=video/mp4\nfor=/film.mp4\n"));
        return sealed(bytes, 10, 0);
    }
    static std::string second() {
        auto bytes = segment(1, 20);
        bytes.add(object_bytes(disk_key(3), 20, "of two lifetimes"));
        bytes.add(resumption_bytes(25, 20));
        bytes.add(record_bytes({.type = RecordType::Tombstone, .generation = 25, .key = disk_key(2)}, {}));
        bytes.add(record_bytes({.type = RecordType::Lifetimes,
                                .generation = 25,
                                .key = disk_key(3),
                                .created = WallTime(std::chrono::seconds(1'795'000'000)),
                                .lifetimes = {100, 200, 300}},
                               {}));
        return sealed(bytes, 20, 1);
    }
    static std::string third() {
        auto bytes = segment(2, 30);
        bytes.add(object_bytes(disk_key(1), 30, "replacing"));
        bytes.add(object_bytes(disk_key(4), 30, "the last"));
        return bytes.all();
    }

    void write(const std::string& name, std::string_view bytes) const {
        std::ofstream out(log / name, std::ios::binary | std::ios::trunc);
        out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
    void change(const std::string& name, const std::function<void(std::string&)>& how) const {
        auto bytes = read_file(log / name);
        how(bytes);
        write(name, bytes);
    }
    void flip(const std::string& name, std::size_t byte, int bit = 0) const {
        std::fstream file(log / name, std::ios::binary | std::ios::in | std::ios::out);
        file.seekg(static_cast<std::streamoff>(byte));
        const int old = file.get();
        REQUIRE(old >= 0);
        file.seekp(static_cast<std::streamoff>(byte));
        file.put(static_cast<char>(old ^ (1 << bit)));
    }
    Inspection look(Depth depth = Depth::EveryByte) const {
        auto inspection = inspect(folder.string(), depth);
        REQUIRE(inspection);
        return *std::move(inspection);
    }
    std::vector<Finding> wrong() const {
        auto findings = look().findings;
        std::erase_if(findings, [](const Finding& finding) { return finding.kind != Finding::Kind::Wrong; });
        return findings;
    }
    bool finds(const std::string& file) const {
        return std::ranges::any_of(wrong(), [&](const Finding& finding) { return finding.file == file; });
    }
};

std::map<Key128, InspectedObject> objects_of(const Inspection& inspection) {
    std::map<Key128, InspectedObject> objects;
    const auto passed_over = for_each_object(inspection, CurrentRecords(inspection),
                                             [&](const InspectedObject& object) { objects[object.header.key] = object; });
    CHECK(passed_over == 0);
    return objects;
}

}  // namespace

TEST_CASE("a store can be read from outside, and nothing in it is changed") {
    const Store store;
    const auto modified = [&] { return std::filesystem::last_write_time(store.log); };
    const auto before = modified();
    const auto inspection = store.look();
    CHECK(inspection.findings.empty());
    CHECK(modified() == before);
    CHECK_FALSE(std::filesystem::exists(store.folder / "objects" / "lock"));
    CHECK_FALSE(inspection.running);
    CHECK(inspection.superblock->serial == 2);
    CHECK(inspection.purge_sequence == 9);
    CHECK(inspection.bytes >= 3 * 4096);

    REQUIRE(inspection.segments.size() == 4);
    using State = InspectedSegment::State;
    CHECK(inspection.segments[0].state == State::Empty);
    CHECK(inspection.segments[1].state == State::Sealed);
    CHECK(inspection.segments[1].generation == 10);
    CHECK(inspection.segments[2].last_generation == 25);
    CHECK(inspection.segments[3].state == State::Open);
    CHECK(inspection.segments[3].entries.size() == 2);
}

TEST_CASE("the objects of a store are those that a look-up could find") {
    const Store store;
    for (const auto depth : {Depth::Contents, Depth::EveryByte}) {
        const auto objects = objects_of(store.look(depth));
        REQUIRE(objects.size() == 4);
        CHECK(objects.at(disk_key(1)).segment == 2);  // the later one
        CHECK_FALSE(objects.contains(disk_key(2)));   // its tombstone is later
        CHECK(objects.at(disk_key(3)).header.lifetimes == Lifetimes{100, 200, 300});
        CHECK(objects.at(disk_key(4)).meta == "type=image/avif");
        CHECK(objects.at(disk_key(4)).tags.size() == 2);
        const auto& film = objects.at(disk_key(50));
        CHECK(film.header.body_length == 600'000);
        CHECK(film.parts_missing == 0);
        CHECK(film.stored_bytes > 600'000);
    }
}

TEST_CASE("a flipped bit in any byte that has a checksum is found, with its file") {
    const Store store;
    for (std::size_t byte = 0; byte < kSuperblock; byte += 257) {
        store.flip("superblock.1", byte);
        CHECK(store.finds("superblock.1"));
        store.flip("superblock.1", byte);
    }
    for (std::size_t byte = 0; byte < kJournalHeader; byte += 8) {
        store.flip("purges.0", byte);
        CHECK(store.finds("purges.0"));
        store.flip("purges.0", byte);
    }
    REQUIRE(store.wrong().empty());

    const auto check = [&](const std::string& name, std::size_t from, std::size_t to, std::size_t step) {
        for (std::size_t byte = from; byte < to; byte += step) {
            CAPTURE(name, byte);
            store.flip(name, byte, static_cast<int>(byte % 8));
            CHECK(store.finds(name));
            store.flip(name, byte, static_cast<int>(byte % 8));
        }
    };
    const auto second = store.look().segments[2];
    check("segment.00001", 0, kSegmentHeader, 127);
    check("segment.00001", kSegmentHeader, kSegmentHeader + kRecordHeader, 3);             // an object
    check("segment.00001", second.entries[1].offset - kRecordHeader, second.end, 3);       // resumption, tombstone, lifetimes
    check("segment.00001", kSegment - toc_bytes(second.entries.size()), kSegment - 8, 3);  // table of contents
    const auto third = store.look().segments[3];
    check("segment.00002", kSegmentHeader, third.end - 16, 3);  // of one that is open
    check("segment.00000", kSegmentHeader, kSegment - 500'000, 30'011);
}

TEST_CASE("what is wrong is named by file and offset, and the rest is still read") {
    const Store store;
    const auto second_object = store.look().segments[1].entries[1];
    store.flip("segment.00000", second_object.offset + 130);
    const auto inspection = store.look();
    REQUIRE(inspection.findings.size() == 1);
    CHECK(inspection.findings[0].file == "segment.00000");
    CHECK(inspection.findings[0].offset == second_object.offset);
    CHECK(inspection.findings[0].kind == Finding::Kind::Wrong);
    CHECK(objects_of(inspection).size() == 4);

    SECTION("without its table of contents a segment is read from its beginning, as far as it goes") {
        store.flip("segment.00000", kSegment - 20);
        const auto damaged = store.look();
        CHECK(damaged.segments[1].state == InspectedSegment::State::Open);
        CHECK(damaged.segments[1].entries.size() == 1);
        CHECK(damaged.findings.size() == 2);
    }
}

TEST_CASE("an object that misses parts is incomplete, which is not wrong: they left with an older segment") {
    const Store store;
    auto other = Store::segment(3, 40);
    auto header = store.in_parts(RecordType::Object);
    header.generation = 40;
    header.key = disk_key(60);  // its parts are nowhere
    other.add(record_bytes(header, {}));
    store.write("segment.00003", other.all());
    const auto inspection = store.look();
    REQUIRE(inspection.findings.size() == 1);
    CHECK(inspection.findings[0].kind == Finding::Kind::Incomplete);
    CHECK(inspection.findings[0].file == "segment.00003");
    CHECK(inspection.findings[0].offset == kSegmentHeader);
    CHECK(store.wrong().empty());
}

TEST_CASE("what an earlier life of a segment left behind is not wrong") {
    const Store store;
    const auto first = store.first();
    auto bytes = Store::segment(0, 40);
    bytes.add(object_bytes(disk_key(70), 40, "of the new life"));
    store.change("segment.00000", [&](std::string& file) {
        const auto fresh = bytes.all().substr(0, bytes.end());
        file.replace(0, fresh.size(), fresh);
    });
    const auto inspection = store.look();
    CHECK(inspection.findings.empty());
    CHECK(inspection.segments.back().state == InspectedSegment::State::Open);
    CHECK(inspection.segments.back().entries.size() == 1);
}

TEST_CASE("a segment of another store, or with nothing in it, is room to be used") {
    const Store store;
    store.write("segment.00003", encode(SegmentHeader{.number = 3, .store = {5, 5}, .generation = 99}) + std::string(8192, 'x'));
    const auto segments = store.look().segments;
    const auto its = std::ranges::find(segments, 3U, &InspectedSegment::number);
    CHECK(its->state == InspectedSegment::State::Foreign);
    CHECK(store.wrong().empty());
    store.write("segment.00003", "");
    CHECK(store.wrong().empty());
}

TEST_CASE("records are still found when both superblocks are lost") {
    const Store store;
    store.flip("superblock.0", 100);
    store.flip("superblock.1", 100);
    const auto inspection = store.look();
    CHECK_FALSE(inspection.superblock);
    CHECK(inspection.findings.size() == 2);
    CHECK(objects_of(inspection).size() == 4);
}

TEST_CASE("a store that is not there, or is of a later version, is told apart") {
    const Store store;
    CHECK(inspect(store.folder.string() + "/elsewhere", Depth::Contents).error().kind == ErrorKind::NotFound);
    store.change("superblock.1", [](std::string& bytes) {
        bytes[16] = 2;
        const auto checksum = checksum64(std::string_view(bytes).substr(16));
        std::memcpy(bytes.data() + 8, &checksum, sizeof checksum);
    });
    CHECK(inspect(store.folder.string(), Depth::Contents).error().kind == ErrorKind::Unsupported);
}

TEST_CASE("while a process has the lock, the end of an open log is in use and not wrong") {
    const Store store;
    const auto end = store.look().segments[3].end;
    const auto lock_name = (store.folder / "objects" / "lock").string();
    const FileDescriptor lock(::open(lock_name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(::flock(lock.number(), LOCK_EX | LOCK_NB) == 0);
    store.change("segment.00002", [&](std::string& bytes) {
        auto torn = object_bytes(disk_key(80), 30, std::string(5000, 't'));
        torn.resize(3000);
        bytes.replace(end, torn.size(), torn);
    });
    const auto inspection = store.look();
    if (!inspection.running) return;  // no /proc/locks here
    REQUIRE(inspection.findings.size() == 1);
    CHECK(inspection.findings[0].kind == Finding::Kind::InUse);
    CHECK(inspection.findings[0].offset == end);
}

TEST_CASE("links and pipes among the files neither lead nor hold the reader") {
    const Store store;
    std::filesystem::remove(store.log / "segment.00003");
    REQUIRE(::mkfifo((store.log / "segment.00003").c_str(), 0600) == 0);
    CHECK(store.finds("segment.00003"));
    std::filesystem::remove(store.log / "segment.00003");
    std::filesystem::create_symlink("/etc/passwd", store.log / "segment.00003");
    CHECK(store.finds("segment.00003"));
}
