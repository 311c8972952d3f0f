#include <catch2/catch.hpp>

#include <map>

#include "cache_store/disk/superblock.h"
#include "tests/cache_store/torture/disk.h"
#include "tests/cache_store/torture/mutants.h"
#include "tests/cache_store/torture/run.h"

using namespace selvage;
using namespace selvage::torture;
using namespace cache_store;

// Files that somebody or something changed: every byte of every header, tables of contents cut off, versions to come. The store
// that is opened on them serves nothing wrong. (cache-store R1, R4, R5)

namespace {

namespace fs = std::filesystem;

// The files of a store that was closed in order, which are damaged in one place at a time.
class Specimen {
public:
    Specimen() : origin_(ground_.path(), {}, Dice(7)) {
        Disk disk;
        origin_.open(disk);
        auto limits = Shape{}.limits;
        limits.disk_bytes += 2ULL << 20;  // another number of segments: the other superblock
        origin_.store().set_limits(limits);
        origin_.store().set_limits(Shape{}.limits);
        for (int put = 0; put < 400; ++put) origin_.put_and_work();
        for (int step = 0; step < 200; ++step) origin_.step_within_limits();
        for (int put = 0; put < 30; ++put) origin_.put_and_work();
        origin_.work_off();
        origin_.close(true);
        for (const auto& entry : fs::directory_iterator(ground_.log())) {
            if (entry.is_regular_file()) files_[entry.path().filename()] = bytes_of(entry.path());
        }
    }

    const std::map<std::string, std::string>& files() const { return files_; }
    const Ground& ground() const { return ground_; }
    // The names of segments that are sealed, or not.
    std::vector<std::string> segments(bool sealed) const {
        std::vector<std::string> names;
        for (const auto& [name, bytes] : files_) {
            if (!name.starts_with("segment.") || bytes.size() <= kSegmentHeader) continue;
            if (is_sealed(bytes) == sealed) names.push_back(name);
        }
        return names;
    }

    // A table of contents of its life; that of an earlier one may still be there.
    static bool is_sealed(std::string_view segment) {
        const auto header = parse_segment_header(segment.substr(0, kSegmentHeader));
        const auto claim = parse_toc_footer(segment.substr(segment.size() - kTocFooter), segment.size());
        return header && claim && claim->last_generation >= header->generation;
    }

    using Files = std::map<std::string, std::string>;
    // What is served from the damaged files: nothing wrong. The hits.
    std::uint64_t serve(const std::string& what, const std::function<void(Files&)>& damage) {
        put_files(damage);
        Disk disk;
        Trial trial(ground_.path(), {}, Dice(11));
        trial.model = origin_.model;
        trial.model.apply({.kind = Event::Kind::Damaged});
        trial.advance(std::chrono::hours(24));
        trial.may_be_cold = true;
        trial.open(disk);
        trial.work_off();
        trial.fetch_all();
        for (int put = 0; put < 3; ++put) trial.put_and_work();
        trial.close(true);
        INFO(what << ": " << told(trial));
        CHECK(trial.wrong.empty());
        return trial.hits;
    }

private:
    void put_files(const std::function<void(Files&)>& damage) {
        auto files = files_;
        damage(files);
        fs::remove_all(ground_.log().parent_path());
        fs::create_directories(ground_.log());
        for (const auto& [name, bytes] : files) give_bytes(ground_.log() / name, bytes);
    }

    Ground ground_;
    Trial origin_;
    Files files_;
};

void flip(std::string& bytes, std::size_t at) { bytes.at(at) ^= static_cast<char>(1 << at % 8); }

void flip_each(Specimen& specimen, const std::string& name, std::size_t from, std::size_t count) {
    for (std::size_t at = from; at < from + count; ++at) {
        specimen.serve(fmt::format("{} with a flipped bit at {}", name, at), [&](auto& files) { flip(files.at(name), at); });
    }
}

// Headers of 4 KiB with a checksum of all that follows it.
void next_version(std::string& bytes) {
    put_number(bytes, 16, number_at<std::uint32_t>(bytes, 16) + 1);
    put_number(bytes, 8, checksum64(std::string_view(bytes).substr(16, kSegmentHeader - 16)));
}

std::size_t kept_aside(const Ground& ground) {
    std::size_t folders = 0;
    for (const auto& entry : fs::directory_iterator(ground.log().parent_path())) {
        folders += entry.path().filename().string().starts_with("log-1.kept");
    }
    return folders;
}

}  // namespace

TEST_CASE("a flipped bit in a header costs objects, and makes no others", "[torture]") {
    Specimen specimen;
    REQUIRE(specimen.serve("no damage", [](auto&) {}) > 10);
    REQUIRE(!specimen.segments(true).empty());
    REQUIRE(!specimen.segments(false).empty());
    const auto sealed = specimen.segments(true).front(), open = specimen.segments(false).front();
    const auto size = specimen.files().at(sealed).size();

    SECTION("of a record in a sealed segment") { flip_each(specimen, sealed, kSegmentHeader, kRecordHeader + 24); }
    SECTION("of a record in the segment that was open") { flip_each(specimen, open, kSegmentHeader, kRecordHeader + 24); }
    SECTION("of a segment") {
        flip_each(specimen, sealed, 0, 72);
        flip_each(specimen, open, 0, 72);
        flip_each(specimen, sealed, kSegmentHeader - 2, 2);
    }
    SECTION("of a table of contents") {
        flip_each(specimen, sealed, size - kTocFooter - 2 * kTocEntry, kTocFooter + 2 * kTocEntry);
    }
    SECTION("of a superblock") { flip_each(specimen, "superblock.0", 0, 96); }
    SECTION("of the other superblock") { flip_each(specimen, "superblock.1", 0, 96); }
    SECTION("of both superblocks") {
        for (std::size_t at = 0; at < 96; ++at) {
            specimen.serve(fmt::format("both superblocks with a flipped bit at {}", at), [&](auto& files) {
                for (const auto* name : {"superblock.0", "superblock.1"}) {
                    if (files.contains(name)) flip(files.at(name), at);
                }
            });
        }
    }
}

TEST_CASE("a damaged purge journal purges more than was asked for, not less", "[torture]") {
    Specimen specimen;
    for (const auto* name : {"purges.0", "purges.1"}) {
        const auto found = specimen.files().find(name);
        if (found == specimen.files().end() || found->second.size() < 300) continue;
        // Header, image and first groups. The last group is another matter: what is damaged there cannot be told from a torn
        // purge.
        flip_each(specimen, name, 0, 240);
        specimen.serve("no journal", [&](auto& files) { files.erase(name); });
        specimen.serve("an empty journal", [&](auto& files) { files.at(name).clear(); });
        specimen.serve("half a header", [&](auto& files) { files.at(name).resize(40); });
    }
}

TEST_CASE("a table of contents that is cut off is not needed", "[torture]") {
    Specimen specimen;
    const auto whole = specimen.serve("no damage", [](auto&) {});
    for (const auto& name : specimen.segments(true)) {
        const auto size = specimen.files().at(name).size();
        for (const auto lost : {std::size_t{1}, kTocFooter - 1, kTocFooter, kTocFooter + 1, kTocFooter + 3 * kTocEntry}) {
            const auto zeroed = specimen.serve(fmt::format("{} with {} zeros at its end", name, lost), [&](auto& files) {
                files.at(name).replace(size - lost, lost, std::string(lost, '\0'));
            });
            CHECK(zeroed == whole);  // the records tell it too
            specimen.serve(fmt::format("{} cut by {} bytes", name, lost),
                           [&](auto& files) { files.at(name).resize(size - lost); });
        }
        specimen.serve(name + " cut in half", [&](auto& files) { files.at(name).resize(size / 2); });
        specimen.serve(name + " empty", [&](auto& files) { files.at(name).clear(); });
        specimen.serve(name + " gone", [&](auto& files) { files.erase(name); });
    }
}

TEST_CASE("files of another store or in another's place are not believed", "[torture]") {
    Specimen specimen;
    const auto sealed = specimen.segments(true);
    REQUIRE(sealed.size() >= 2);
    specimen.serve("two segments exchanged", [&](auto& files) { std::swap(files.at(sealed[0]), files.at(sealed[1])); });
    specimen.serve("a segment twice", [&](auto& files) { files.at(sealed[0]) = files.at(sealed[1]); });
    specimen.serve("the second half of another", [&](auto& files) {
        const auto half = files.at(sealed[0]).size() / 2;
        files.at(sealed[0]).replace(half, half, files.at(sealed[1]), half, half);
    });
    specimen.serve("records of another after the header", [&](auto& files) {
        const auto size = files.at(sealed[0]).size();
        files.at(sealed[0]).replace(kSegmentHeader, size, files.at(sealed[1]), kSegmentHeader, size);
    });
}

TEST_CASE("a version to come is not read as this one; such a store is kept aside", "[torture]") {
    Specimen specimen;
    const auto sealed = specimen.segments(true).front();
    const auto size = specimen.files().at(sealed).size();
    specimen.serve("a record", [&](auto& files) {
        ++files.at(sealed)[kSegmentHeader + 4];
        seal_head(files.at(sealed), kSegmentHeader);
    });
    specimen.serve("a segment", [&](auto& files) { next_version(files.at(sealed)); });
    specimen.serve("a table of contents", [&](auto& files) { ++files.at(sealed)[size - kTocFooter + 28]; });
    CHECK(kept_aside(specimen.ground()) == 0);

    const bool features = GENERATE(false, true);
    const auto change = [&](auto& files) {
        for (const auto* name : {"superblock.0", "superblock.1"}) {
            if (!files.contains(name)) continue;
            auto& bytes = files.at(name);
            if (features) {
                flip(bytes, 80 + 5);
                put_number(bytes, 8, checksum64(std::string_view(bytes).substr(16)));
            } else {
                next_version(bytes);
            }
        }
    };
    CHECK(specimen.serve("both superblocks", change) == 0);
    CHECK(kept_aside(specimen.ground()) == 1);
}
