#include "cache_store/disk/superblock.h"

#include <catch2/catch.hpp>

#include <cstring>

using namespace selvage;
using namespace selvage::cache_store;

namespace {

constexpr std::uint64_t kMiB = 1ULL << 20, kGiB = 1ULL << 30, kTiB = 1ULL << 40;

Superblock some_superblock(std::uint64_t serial) {
    return {.serial = serial,
            .uuid = {0x1122334455667788, 0x99},
            .segment_bytes = 64 * kMiB,
            .segments = 159,
            .purge_journal = 4,
            .least_birth = 77};
}

std::string with_checksum(std::string bytes) {
    const auto checksum = checksum64(std::string_view(bytes).substr(16));
    std::memcpy(bytes.data() + 8, &checksum, sizeof checksum);
    return bytes;
}

std::string of_version(std::string bytes, char version) {
    bytes[16] = version;
    return with_checksum(std::move(bytes));
}

}  // namespace

TEST_CASE("a superblock gives back what was written; any flipped bit of it is found") {
    const auto bytes = encode(some_superblock(9));
    REQUIRE(bytes.size() == kSuperblock);
    CHECK(parse_superblock(bytes) == some_superblock(9));
    CHECK(bytes.substr(0, 8) == "selvage\n");
    CHECK(bytes.substr(16, 4) == std::string("\1\0\0\0", 4));
    CHECK(bytes.substr(24, 8) == std::string("\x09\0\0\0\0\0\0\0", 8));
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        CAPTURE(bit);
        CHECK_FALSE(parse_superblock(damaged));
    }
    CHECK(parse_superblock(bytes.substr(0, 4095)).error() == BadRecord::Torn);
    CHECK(parse_superblock(std::string(4096, '\0')).error() == BadRecord::Corrupt);
}

TEST_CASE("of two superblocks the sound one with the greater serial counts") {
    const auto older = encode(some_superblock(4)), newer = encode(some_superblock(5));
    CHECK(choose_superblock(older, newer)->serial == 5);
    CHECK(choose_superblock(newer, older)->serial == 5);
    CHECK(choose_superblock(older, "")->serial == 4);
    CHECK(choose_superblock("", older)->serial == 4);
    auto damaged = newer;
    damaged[100] = 1;
    CHECK(choose_superblock(older, damaged)->serial == 4);
    CHECK(choose_superblock(damaged, older)->serial == 4);
    CHECK(choose_superblock(older, newer.substr(0, 512))->serial == 4);

    SECTION("both bad is corrupt, both missing is nothing") {
        CHECK(choose_superblock(damaged, damaged).error() == BadRecord::Corrupt);
        CHECK(choose_superblock(damaged, "").error() == BadRecord::Corrupt);
        CHECK(choose_superblock("", std::string(4096, '\0')).error() == BadRecord::Corrupt);
        CHECK(choose_superblock("", "").error() == BadRecord::Nothing);
    }
}

TEST_CASE("a superblock of the next version, or with a feature that is not known, is of the future") {  // R5
    const auto ours = encode(some_superblock(4));
    const auto next = of_version(encode(some_superblock(5)), 2);
    CHECK(parse_superblock(next).error() == BadRecord::Future);
    CHECK(choose_superblock(ours, next).error() == BadRecord::Future);
    CHECK(choose_superblock(next, "").error() == BadRecord::Future);
    auto featured = some_superblock(5);
    featured.features = 1;
    CHECK(parse_superblock(encode(featured)).error() == BadRecord::Future);
    THEN("a flipped bit in the version is not taken for it") {
        auto flipped = ours;
        flipped[16] = 3;
        CHECK(choose_superblock(ours, flipped)->serial == 4);
    }
    CHECK(parse_superblock(of_version(ours, 0)).error() == BadRecord::Corrupt);
}

TEST_CASE("a superblock with segments of an impossible size is corrupt") {
    for (const std::uint64_t bytes : {0ULL, 4096ULL, (1ULL << 20) + 8, 5ULL << 30, ~0ULL}) {
        auto strange = some_superblock(1);
        strange.segment_bytes = bytes;
        CHECK(parse_superblock(encode(strange)).error() == BadRecord::Corrupt);
    }
    auto many = some_superblock(1);
    many.segments = kMostSegments + 1;
    CHECK(parse_superblock(encode(many)).error() == BadRecord::Corrupt);
}

TEST_CASE("bytes of disk become segments") {
    struct Row {
        std::uint64_t limit, segment_bytes;
        std::uint32_t segments;
        std::uint64_t part_bytes;
    };
    const Row table[] = {
        {0, 0, 0, 0},
        {8 * kMiB - 1, 0, 0, 0},
        {8 * kMiB, kMiB, 4, kMiB / 4},
        {20 * kMiB, kMiB, 16, kMiB / 4},
        {64 * kMiB, 3 * kMiB, 20, 3 * kMiB / 4},
        {256 * kMiB, 15 * kMiB, 16, kMiB},
        {kGiB, 63 * kMiB, 16, kMiB},
        {kGiB + 4 * kMiB, 64 * kMiB, 16, kMiB},
        {10 * kGiB, 64 * kMiB, 159, kMiB},
        {100 * kGiB, 64 * kMiB, 1599, kMiB},
        {kTiB, 512 * kMiB, 2047, kMiB},
        {8 * kTiB, 4 * kGiB, 2047, kMiB},
        {64 * kTiB, 4 * kGiB, 2048, kMiB},
        {UINT64_MAX, 4 * kGiB, 2048, kMiB},
    };
    for (const Row& row : table) {
        CAPTURE(row.limit);
        const auto geometry = geometry_for(row.limit);
        CHECK(geometry.segment_bytes == row.segment_bytes);
        CHECK(geometry.segments == row.segments);
        CHECK(geometry.part_bytes == row.part_bytes);
    }
    THEN("they never take more than the limit, nor waste more than a tenth of what is left of it, in any size up to 8 TiB") {
        for (std::uint64_t limit = 8 * kMiB; limit <= 8 * kTiB; limit += limit / 7) {
            const auto geometry = geometry_for(limit);
            CAPTURE(limit);
            CHECK(geometry.segments >= kFewestSegments);
            CHECK(geometry.segments <= kMostSegments);
            CHECK(geometry.segment_bytes * geometry.segments <= limit - kReservedBytes);
            CHECK(geometry.segment_bytes * (geometry.segments + 1) > limit - kReservedBytes);
        }
    }
}

TEST_CASE("segments that are there already keep their size when the limit changes") {
    CHECK(geometry_for(10 * kGiB, 16 * kMiB)->segments == 639);
    CHECK(geometry_for(10 * kGiB, 16 * kMiB)->segment_bytes == 16 * kMiB);
    CHECK(geometry_for(8 * kTiB, 64 * kMiB)->segments == kMostSegments);
    CHECK(geometry_for(260 * kMiB, 64 * kMiB)->segments == 4);
    CHECK_FALSE(geometry_for(259 * kMiB, 64 * kMiB));
    CHECK_FALSE(geometry_for(0, 64 * kMiB));
    CHECK_FALSE(geometry_for(10 * kGiB, 0));
}
