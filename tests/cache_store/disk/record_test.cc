#include "cache_store/disk/record.h"

#include <catch2/catch.hpp>

#include "tests/cache_store/disk/record_bytes.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

constexpr std::uint64_t kGeneration = 42;

BadRecord fault_of(std::string_view record, const Key128& key, std::uint64_t least = kGeneration,
                   std::uint64_t most = kGeneration) {
    const auto decoded = decode_object(record, key, least, most);
    REQUIRE_FALSE(decoded);
    return decoded.error();
}

RecordHeader part_header(std::uint64_t body_length, std::uint32_t part_length, std::uint32_t number) {
    return {.type = RecordType::Part,
            .generation = kGeneration,
            .body_length = body_length,
            .part_length = part_length,
            .part_number = number};
}

// What a header claims when it is encoded and parsed again; nothing when it is refused.
std::expected<RecordHeader, BadRecord> claims_of(RecordHeader header) {
    return parse_record_claims(encode_record_head(std::move(header), {}, {}));
}

}  // namespace

TEST_CASE("a record gives back the object that was written, and nothing else") {
    const auto key = disk_key(1);
    const auto record = object_bytes(key, kGeneration, "the body");
    CHECK(record.size() % 8 == 0);
    CHECK(record.size() == record_length(2 * 8 + 15, 8));

    const auto object = decode_object(record, key, kGeneration, kGeneration);
    REQUIRE(object);
    CHECK(object->meta == "type=image/avif");
    CHECK(object->body->view() == "the body");
    CHECK(object->tags == std::vector{Tag{11}, Tag{12}});
    CHECK(object->cost_ms == 512);
    CHECK(object->birth == 7);
    CHECK(object->lifetimes == Lifetimes{10, 20, 30});
    CHECK(object->created == WallTime(std::chrono::seconds(1'795'000'000)));
    CHECK(decode_object(record + "what follows", key, kGeneration, kGeneration));

    SECTION("an empty meta and body are an object too") {
        const auto empty = record_bytes(object_header(key, kGeneration, ""), "", "", {});
        CHECK(empty.size() == kRecordHeader);
        const auto back = decode_object(empty, key, kGeneration, kGeneration);
        REQUIRE(back);
        CHECK(back->meta.empty());
        CHECK(back->body->size() == 0);
    }
    SECTION("so are the largest meta and the most tags") {
        const std::string meta(kLargestMeta, 'm');
        const std::vector<Tag> tags(kMostTags, Tag{99});
        const auto back =
            decode_object(record_bytes(object_header(key, kGeneration, "b"), "b", meta, tags), key, kGeneration, kGeneration);
        REQUIRE(back);
        CHECK(back->meta == meta);
        CHECK(back->tags == tags);
    }
}

TEST_CASE("the layout of a record of version 1 is the one of the grammar") {  // files of another build must be readable
    auto header = object_header({.high = 0x1122334455667788, .low = 0x99AABBCCDDEEFF00}, 0x0102030405060708, "xyz");
    header.lifetimes = {0x11111111, 0x22222222, 0x33333333};
    const auto record = record_bytes(header, "xyz", "m", {Tag{0x1234}});
    REQUIRE(record.size() == 112 + 8 + 1 + 3 + 4);
    CHECK(record.substr(0, 8) == std::string("slvR\1\1\x70\0", 8));
    CHECK(record.substr(16, 8) == std::string("\x08\x07\x06\x05\x04\x03\x02\x01", 8));
    CHECK(record.substr(24, 8) == "\x88\x77\x66\x55\x44\x33\x22\x11");
    CHECK(record.substr(32, 8) == std::string("\x00\xFF\xEE\xDD\xCC\xBB\xAA\x99", 8));
    CHECK(record.substr(40, 8) == std::string("\7\0\0\0\0\0\0\0", 8));
    CHECK(record.substr(60, 12) == "\x11\x11\x11\x11\x22\x22\x22\x22\x33\x33\x33\x33");
    CHECK(record.substr(72, 8) == std::string("\3\0\0\0\0\0\0\0", 8));    // body
    CHECK(record.substr(80, 4) == std::string("\x80\0\0\0", 4));          // 128 B in all
    CHECK(record.substr(84, 8) == std::string("\x09\0\0\0\0\2\0\0", 8));  // meta, 512 ms
    CHECK(record.substr(92, 9) == std::string("\0\0\0\0\0\0\0\0\1", 9));  // no parts, one tag
    CHECK(record.substr(101, 11) == std::string(11, '\0'));
    CHECK(record.substr(112, 12) == std::string("\x34\x12\0\0\0\0\0\0mxyz", 12));
    CHECK(record.substr(124) == std::string(4, '\0'));
}

TEST_CASE("any flipped bit of a record's header, meta or body is found") {
    const auto key = disk_key(1);
    for (const auto type : {RecordType::Object, RecordType::Part, RecordType::Lifetimes, RecordType::Tombstone}) {
        auto header = object_header(key, kGeneration, "some body");
        header.type = type;
        if (type == RecordType::Part) header.part_length = 1000;
        const auto record = record_bytes(header, "some body", "some meta");
        const auto sound = parse_record_head(record);
        REQUIRE(sound);
        const auto covered = kRecordHeader + sound->meta_length + sound->body_here();
        for (std::size_t bit = 0; bit < covered * 8; ++bit) {
            auto damaged = record;
            damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
            CAPTURE(bit);
            const auto head = parse_record_head(damaged);
            CHECK_FALSE((head && record_body(*head, damaged)));
        }
    }
}

TEST_CASE("a record of another generation is not believed") {
    const auto key = disk_key(1);
    const auto record = object_bytes(key, kGeneration, "body");
    CHECK(fault_of(record, key, kGeneration + 1, kGeneration + 5) == BadRecord::Foreign);
    CHECK(fault_of(record, key, kGeneration - 5, kGeneration - 1) == BadRecord::Foreign);
    CHECK(decode_object(record, key, kGeneration - 1, kGeneration + 1));
}

TEST_CASE("a sound record of another key, or of another type, is foreign") {
    const auto key = disk_key(1);
    CHECK(fault_of(object_bytes(key, kGeneration, "body"), disk_key(2)) == BadRecord::Foreign);
    auto header = object_header(key, kGeneration, "");
    header.type = RecordType::Tombstone;
    CHECK(fault_of(record_bytes(header, ""), key) == BadRecord::Foreign);
}

TEST_CASE("a record that ends early is torn; where none begins is nothing; a later version is of the future") {
    const auto key = disk_key(1);
    const auto record = object_bytes(key, kGeneration, "some body");
    for (std::size_t length = 1; length < record.size(); ++length) {
        CAPTURE(length);
        CHECK(fault_of(std::string_view(record).substr(0, length), key) == BadRecord::Torn);
    }
    CHECK(fault_of("", key) == BadRecord::Nothing);
    CHECK(fault_of(std::string(4096, '\0'), key) == BadRecord::Nothing);
    auto future = record;
    future[4] = 2;
    CHECK(fault_of(future, key) == BadRecord::Future);
    auto holed = record;  // as a power loss leaves it
    std::fill(holed.begin() + static_cast<std::ptrdiff_t>(kRecordHeader) + 33, holed.end(), '\0');
    CHECK(fault_of(holed, key) == BadRecord::Corrupt);
}

TEST_CASE("an object in parts comes without its body, and its parts say where they belong") {
    const auto key = disk_key(1);
    auto header = object_header(key, kGeneration, "");
    header.body_length = 2'500'000;
    header.part_length = 1 << 20;
    const auto object = decode_object(record_bytes(header, ""), key, kGeneration, kGeneration);
    REQUIRE(object);
    CHECK(object->body == nullptr);
    CHECK(object->meta == "type=image/avif");

    CHECK(part_header(2'500'000, 1 << 20, 0).body_here() == 1 << 20);
    CHECK(part_header(2'500'000, 1 << 20, 2).body_here() == 2'500'000 - (2 << 20));
    CHECK(part_header(2'500'000, 1 << 20, 3).body_here() == 0);
    THEN("keys of parts and of lifetimes are nobody else's") {
        CHECK(part_key(key, 1, 0) != part_key(key, 1, 1));
        CHECK(part_key(key, 1, 0) != part_key(key, 2, 0));  // of another body
        CHECK(part_key(key, 1, 0) != part_key(disk_key(2), 1, 0));
        CHECK(part_key(key, 0, 0) != lifetimes_key(key));
        CHECK(lifetimes_key(key) != key);
    }
}

TEST_CASE("lengths that do not fit each other are refused, whatever the checksum says") {
    CHECK(claims_of(part_header(1'000, 100, 9)));
    CHECK_FALSE(claims_of(part_header(1'000, 100, 10)));                      // behind the end
    CHECK_FALSE(claims_of(part_header(1'000, 0, 0)));                         // parts of nothing
    CHECK_FALSE(claims_of(part_header(UINT64_MAX, UINT32_MAX, UINT32_MAX)));  // a record longer than a u32
    CHECK_FALSE(claims_of({.type = RecordType::Object, .body_length = 1, .part_number = 1}));
    CHECK_FALSE(claims_of({.type = RecordType::Object, .body_length = 0, .part_length = 5}));
    CHECK_FALSE(claims_of({.type = RecordType::Object, .body_length = UINT64_MAX, .part_length = 1}));
    CHECK_FALSE(claims_of({.type = RecordType::Object, .body_length = 1ULL << 33}));
    CHECK_FALSE(claims_of({.type = RecordType::Object, .body_length = UINT64_MAX - 50}));
    CHECK_FALSE(claims_of({.type = RecordType{9}}));
}

TEST_CASE("times before 1970 and after 2106 are kept as the nearest that fits") {
    auto header = object_header(disk_key(1), kGeneration, "");
    header.created = WallTime(std::chrono::seconds(-5));
    CHECK(claims_of(header)->created == WallTime{});
    header.created = WallTime(std::chrono::seconds(1LL << 40));
    CHECK(claims_of(header)->created == WallTime(std::chrono::seconds(UINT32_MAX)));
}
