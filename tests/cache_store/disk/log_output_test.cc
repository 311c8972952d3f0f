// How the log comes to lie on the disk: written past the page cache, in whole blocks, from a buffer of its own.
#include "cache_store/disk/log_output.h"

#include <algorithm>
#include <ranges>
#include <set>
#include <thread>

#include "cache_store/disk/log_tier.h"
#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

constexpr std::uint64_t kBlock = LogOutput::kBlock;
constexpr std::uint64_t kSmallest = 8 * kMiB;  // four segments of a MiB

// The log's own text, in a file.
struct Told {
    ScratchFolder folder;
    FileDescriptor file{::open((folder.path() + "/told").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    Log log{file.number(), LogLevel::Info};
    int times(std::string_view text) const {
        const auto all = read_file(folder.path() + "/told");
        int count = 0;
        for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++count;
        return count;
    }
};

// A record of exactly so many bytes: a multiple of 8.
ObjectPtr object_of_record(std::uint64_t number, std::uint64_t record_bytes) {
    auto object = plain_object("", "");
    object.body = make_blob(body_number(number, record_bytes - kRecordHeader - object.tags.size() * sizeof(Tag)));
    return shared(std::move(object));
}

std::uint64_t end_of(const LogTier& tier) { return stats_of(tier).open_segment_bytes; }

// What lies behind the log's end in its last block.
std::string behind(const std::filesystem::path& segment, std::uint64_t end) {
    std::string rest((kBlock - end % kBlock) % kBlock, '?');
    std::ifstream file(segment, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(end));
    file.read(rest.data(), static_cast<std::streamsize>(rest.size()));
    return rest;
}

// All of them, byte for byte.
void check_all(LogTier& tier, const std::vector<ObjectPtr>& objects) {
    for (std::uint64_t number = 0; number < objects.size(); ++number) {
        CAPTURE(number);
        REQUIRE(same(read(tier, number), objects[number]));
    }
    CHECK(stats_of(tier).corrupt + stats_of(tier).foreign == 0);
}

Toc toc_of(const std::string& segment) {
    const auto toc = parse_toc(segment, segment.size());
    REQUIRE(toc);
    return *toc;
}

}  // namespace

SCENARIO("wherever in a block a write ends, what was put is read, at once and after a restart") {
    World world;
    auto tier = world.open(68 * kMiB);
    std::vector<ObjectPtr> objects;
    std::set<std::uint64_t> ends;
    objects.push_back(object_of_record(0, 25 * kBlock));  // so that there is something in the buffer
    REQUIRE(world.store(*tier, 0, objects.back()) == NotStored::None);
    for (std::uint64_t number = 1; number <= kBlock / kAlignment; ++number) {
        objects.push_back(object_of_record(number, kBlock + kAlignment));
        REQUIRE(world.store(*tier, number, objects.back()) == NotStored::None);
        REQUIRE(same(read(*tier, number), objects.back()));
        REQUIRE(same(read(*tier, number - 1), objects[number - 1]));  // its last block was written again
        ends.insert(end_of(*tier) % kBlock);
        // Nothing that was in the buffer before: a restart might take it for a record.
        REQUIRE(behind(world.folder.segment(0), end_of(*tier)).find_first_not_of('\0') == std::string::npos);
    }
    CHECK(ends.size() == kBlock / kAlignment);  // all of them, in one segment
    check_all(*tier, objects);
    tier.reset();
    tier = world.open(68 * kMiB);
    check_all(*tier, objects);
}

SCENARIO("objects of any size are gathered, also those that the rest of the buffer does not hold") {
    World world;
    auto tier = world.open(132 * kMiB);
    REQUIRE(stats_of(*tier).segment_bytes > 4 * kMiB);  // so that parts are of a MiB
    std::vector<ObjectPtr> objects;
    // Of the first two, which are one batch, the second does not fit beside the first.
    for (const std::size_t bytes : {1 * kMiB - 2000, 1 * kMiB, 0UL, 900 * kKiB, 100UL, 1 * kMiB - 8, 1 * kMiB + 1, 3 * kKiB,
                                    700 * kKiB, 0UL, 1 * kMiB - 64}) {
        objects.push_back(object_of(body_number(objects.size(), bytes), std::string(objects.size() % 2 * kLargestMeta, 'm')));
        REQUIRE(tier->enqueue(key_number(objects.size() - 1), objects.back()) == NotStored::None);
    }
    world.work(*tier);
    objects.erase(objects.begin() + 6);  // in parts: read otherwise
    const auto check = [&] {
        for (std::uint64_t number = 0; number < objects.size(); ++number)
            CHECK(same(read(*tier, number < 6 ? number : number + 1), objects[number]));
        std::string body(1 * kMiB + 1, '\0');
        const auto parts = tier->open_body(key_number(6));
        REQUIRE(parts);
        REQUIRE(parts->read(0, body.data(), body.size()) == 1 * kMiB);
        REQUIRE(parts->read(1 * kMiB, body.data() + 1 * kMiB, 1) == 1U);
        CHECK(body == body_number(6, 1 * kMiB + 1));
    };
    check();
    tier.reset();
    tier = world.open(132 * kMiB);
    check();
}

SCENARIO("a store goes on in the middle of a block, and what the block held stays") {
    World world;
    auto tier = world.open();
    std::vector<ObjectPtr> objects;
    const bool closed = GENERATE(true, false);
    // A resumption takes 112 bytes; ends before, at and behind the end of a block, and resumptions across it.
    for (const std::uint64_t last : {8UL, 112UL, 2000UL, 3976UL, 3984UL, 3992UL, 4088UL, 4096UL}) {
        CAPTURE(last);
        const auto gap = (kBlock + last - end_of(*tier) % kBlock) % kBlock;
        objects.push_back(object_of_record(objects.size(), 2 * kBlock + gap));
        world.store(*tier, objects.size() - 1, objects.back());
        REQUIRE(end_of(*tier) % kBlock == last % kBlock);
        if (closed) tier->close();
        tier.reset();
        tier = world.open();
        check_all(*tier, objects);
        objects.push_back(object_of_record(objects.size(), 400));
        world.store(*tier, objects.size() - 1, objects.back());
        check_all(*tier, objects);
        CHECK(stats_of(*tier).segments == 1);
    }
    tier.reset();
    tier = world.open();
    check_all(*tier, objects);
}

SCENARIO("a table of contents may begin in the block in which the records end") {
    World world;
    auto tier = world.open();
    std::vector<ObjectPtr> objects;
    for (std::uint64_t number = 0; stats_of(*tier).segments < 4; ++number) {
        objects.push_back(object_number(number, 400 + number * 37 % 1500));
        REQUIRE(tier->enqueue(key_number(number), objects.back()) == NotStored::None);
        if (number % 500 == 0) world.work(*tier);
    }
    world.work(*tier);
    int together = 0;
    std::size_t listed = 0;
    for (std::uint32_t number = 0; number < 3; ++number) {
        const auto segment = read_file(world.folder.segment(number));
        const auto toc = toc_of(segment);
        together += toc.end_of_records / kBlock == (segment.size() - toc_bytes(toc.entries.size())) / kBlock;
        listed += toc.entries.size();
    }
    CHECK(together > 0);
    CHECK(listed > 4000);
    check_all(*tier, objects);
    tier.reset();
    tier = world.open();
    CHECK(stats_of(*tier).objects == objects.size());
    check_all(*tier, objects);
}

SCENARIO("a table of contents that is larger than the buffer is written in pieces") {
    World world;
    auto tier = world.open(1100 * kMiB);  // segments of 64 MiB
    const std::string text = "x";
    const std::uint64_t count = 450'000;  // of 120 and 32 bytes: more than one segment
    for (std::uint64_t number = 0; number < count; ++number) {
        auto object = plain_object(text, "");
        object.tags.clear();
        REQUIRE(tier->enqueue(key_number(number), shared(std::move(object))) == NotStored::None);
        if (number % 4000 == 0) world.work(*tier);
    }
    world.work(*tier);
    const auto segment = read_file(world.folder.segment(0));
    const auto toc = toc_of(segment);
    CHECK(toc_bytes(toc.entries.size()) > LogOutput::kCapacity);
    const bool in_order =
        std::ranges::equal(toc.entries, std::views::iota(std::uint64_t{0}, toc.entries.size()),
                           [](const TocEntry& entry, std::uint64_t number) { return entry.key == key_number(number); });
    CHECK(in_order);
}

SCENARIO("a file system that takes no direct writes is written through the page cache, and that is said once") {
    World world;
    Told told;
    if (GENERATE(true, false)) {
        world.files.direct_open_fault = EINVAL;
    } else {
        world.files.direct_write_fault = EINVAL;
    }
    PurgeTable purges;
    std::vector<ObjectPtr> objects;
    const auto open = [&] {
        auto opened =
            LogTier::open(world.folder.path(), World::limit(kSmallest), purges, world.files, world.clocks.reader(), told.log);
        REQUIRE(opened);
        world.work(**opened);
        return *std::move(opened);
    };
    auto tier = open();
    for (std::uint64_t number = 0; number < 150; ++number) {  // into several segments
        objects.push_back(object_number(number, 10'000 + number));
        world.store(*tier, number, objects.back());
    }
    CHECK(stats_of(*tier).segments > 1);
    check_all(*tier, objects);
    CHECK(told.times("direct writes") == 1);
    CHECK(stats_of(*tier).write_errors == 0);
    tier.reset();
    tier = open();
    check_all(*tier, objects);
}

SCENARIO("where direct writes are taken, nothing but them goes to a segment") {
    World world;
    auto tier = world.open(kSmallest);
    world.store(*tier, 0, object_number(0, 100));
    const auto before = world.files.writes - world.files.direct_writes;
    for (std::uint64_t number = 1; number < 800; ++number) world.store(*tier, number, object_number(number, 10'000 + number));
    CHECK(stats_of(*tier).evictions > 0);
    CHECK(world.files.writes - world.files.direct_writes == before);
}

SCENARIO("of a write that fails after a part of it nothing is served, and nothing else is lost") {  // R7
    World world;
    auto tier = world.open();
    std::vector<ObjectPtr> objects;
    for (std::uint64_t number = 0; number < 5; ++number) {
        objects.push_back(object_number(number, 5000));
        world.store(*tier, number, objects.back());
    }
    for (std::uint64_t number = 5; number < 25; ++number) tier->enqueue(key_number(number), object_number(number, 31 * kKiB));
    world.files.longest_write = 200 * kKiB;
    world.files.writes_before_fault = 1;
    world.files.write_fault = GENERATE(EIO, ENOSPC);
    world.work(*tier);
    for (std::uint64_t number = 5; number < 25; ++number) CHECK_FALSE(tier->may_have(key_number(number)));
    check_all(*tier, objects);
    CHECK(stats_of(*tier).write_errors == 1);
    CHECK(stats_of(*tier).dropped_offline == 20);
    world.files.write_fault = 0;
    world.files.longest_write = INT64_MAX;
    world.store(*tier, 30, object_number(30, 5000));
    CHECK(same(read(*tier, 30), object_number(30, 5000)));
    THEN("a restart finds what had reached the disk, and no half of anything") {
        tier.reset();
        tier = world.open();
        check_all(*tier, objects);
        for (std::uint64_t number = 5; number < 25; ++number) {
            const auto found = read(*tier, number);
            if (found) CHECK(same(found, object_number(number, 31 * kKiB)));
        }
        CHECK(same(read(*tier, 30), object_number(30, 5000)));
        CHECK(stats_of(*tier).corrupt + stats_of(*tier).foreign == 0);
    }
}

SCENARIO("what a direct write is refused for want of room, or by a broken disk, is not written otherwise") {  // R7
    World world;
    auto tier = world.open();
    world.store(*tier, 1, object_number(1, 5000));
    world.files.direct_write_fault = GENERATE(EIO, ENOSPC);
    world.store(*tier, 2, object_number(2, 5000));
    CHECK(read(*tier, 2) == nullptr);
    CHECK(stats_of(*tier).write_errors == 1);
    CHECK(stats_of(*tier).segments_offline == 1);
    CHECK(same(read(*tier, 1), object_number(1, 5000)));
}

SCENARIO("what lies in the block that is being written again is read meanwhile") {
    World world;
    auto tier = world.open();
    constexpr std::uint64_t kObjects = 1500;
    std::atomic<std::uint64_t> there{0};
    std::atomic<int> wrong{0}, now{0};
    std::atomic<bool> done{false};
    const auto bytes_of = [](std::uint64_t number) { return 50 + number % 700; };
    std::thread reader([&] {
        while (!done) {
            const auto newest = there.load();
            for (std::uint64_t number = newest - std::min<std::uint64_t>(newest, 4); number < newest; ++number) {
                const auto object = read(*tier, number);
                if (!object || object->body->view() != body_number(number, bytes_of(number))) ++wrong;
                const auto at_once = tier->read_now(key_number(number));
                if (at_once && (*at_once)->body->view() != body_number(number, bytes_of(number))) ++wrong;
                now += at_once.has_value();
            }
        }
    });
    for (std::uint64_t number = 0; number < kObjects; ++number) {
        world.store(*tier, number, object_of(body_number(number, bytes_of(number))));
        there = number + 1;
    }
    done = true;
    reader.join();
    CHECK(wrong == 0);
    CHECK(now > 0);
    CHECK(stats_of(*tier).corrupt + stats_of(*tier).foreign == 0);
}

SCENARIO("what is written in all is counted as the disk sees it: blocks") {
    World world;
    auto tier = world.open();
    world.store(*tier, 0, object_number(0, 100));
    const auto device = stats_of(*tier).device_bytes, seen = world.files.written.load();
    WHEN("much is put") {
        for (std::uint64_t number = 1; number < 2000; ++number) {
            tier->enqueue(key_number(number), object_number(number, 31 * kKiB));
            if (number % 100 == 0) world.work(*tier);
        }
        world.work(*tier);
        CHECK(stats_of(*tier).evictions > 0);
        const auto stats = stats_of(*tier);
        THEN("two hundredths come on top, with all headers and tables") {
            CHECK(static_cast<double>(stats.device_bytes) / static_cast<double>(stats.written_bytes) < 1.02);
        }
    }
    WHEN("a little is put now and then") {
        for (std::uint64_t number = 1; number < 100; ++number) {
            const auto before = stats_of(*tier);
            world.store(*tier, number, object_number(number, number * 31));
            const auto after = stats_of(*tier);
            CHECK(after.device_bytes - before.device_bytes <= after.written_bytes - before.written_bytes + 2 * kBlock);
        }
    }
    CHECK(stats_of(*tier).device_bytes - device == world.files.written - seen);
}
