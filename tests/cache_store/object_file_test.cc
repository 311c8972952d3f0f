#include "cache_store/object_file.h"

#include <catch2/catch.hpp>

#include "tests/cache_store/scratch.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

std::string encoded(const Key128& key, const Object& object) {
    return encode_head(key, object) + std::string(object.body->view());
}

BadFile fault_of(std::string_view file, const Key128& key) {
    const auto decoded = decode_object(file, key);
    REQUIRE_FALSE(decoded);
    return decoded.error();
}

}  // namespace

TEST_CASE("an object file gives back what was written, and nothing else") {
    const auto key = key_number(7);
    const auto object = object_of("the body", "the meta");
    const auto file = encoded(key, *object);
    CHECK(file.size() == file_bytes(*object));

    const auto decoded = decode_object(file, key);
    REQUIRE(decoded);
    CHECK(same(std::make_shared<const Object>(*decoded), object));

    SECTION("empty meta and body are an object too") {
        const auto empty = object_of("", "");
        const auto back = decode_object(encoded(key, *empty), key);
        REQUIRE(back);
        CHECK(back->meta.empty());
        CHECK(back->body->size() == 0);
    }
}

TEST_CASE("the layout of version 1 is the one of the grammar") {  // files of another build must be readable
    const Key128 key{.high = 0x1122334455667788, .low = 0x99AABBCCDDEEFF00};
    const auto head = encode_head(key, *object_of("xyz", "m"));
    REQUIRE(head.size() == kHeaderBytes + 1);
    CHECK(head.substr(0, 8) == "selvage\n");
    CHECK(head.substr(16, 4) == std::string("\1\0\0\0", 4));
    CHECK(head.substr(20, 4) == std::string("\1\0\0\0", 4));
    CHECK(head.substr(24, 8) == std::string("\3\0\0\0\0\0\0\0", 8));
    CHECK(head.substr(32, 8) == "\x88\x77\x66\x55\x44\x33\x22\x11");
    CHECK(head.substr(40, 8) == std::string("\x00\xFF\xEE\xDD\xCC\xBB\xAA\x99", 8));
    CHECK(head.substr(48, 5) == std::string("\1\2\3\4\0", 5));
    CHECK(head.substr(88, 8) == std::string("\0\2\0\0\0\0\0\0", 8));  // 512 ms, reserved
    CHECK(head.back() == 'm');
}

TEST_CASE("a file that is not sound is refused with the reason") {
    const auto key = key_number(1);
    const auto file = encoded(key, *object_of("some body", "some meta"));

    SECTION("any truncation is torn") {
        for (std::size_t length = 0; length < file.size(); ++length) {
            CHECK(fault_of(std::string_view(file).substr(0, length), key) == BadFile::Torn);
        }
    }
    SECTION("trailing bytes are torn") { CHECK(fault_of(file + "x", key) == BadFile::Torn); }
    SECTION("a sound file under another key is foreign") { CHECK(fault_of(file, key_number(2)) == BadFile::Foreign); }
    SECTION("another magic is not ours") { CHECK(fault_of("GIF89a\0\0" + file.substr(8), key) == BadFile::NotOurs); }
    SECTION("a version from the future is told apart, whatever follows") {
        auto future = file;
        future[16] = 2;
        CHECK(fault_of(future, key) == BadFile::FutureVersion);
        CHECK(fault_of(future.substr(0, kHeaderBytes), key) == BadFile::FutureVersion);
    }
    SECTION("zeroes, as a power loss leaves them, are not an object") {
        CHECK(fault_of(std::string(file.size(), '\0'), key) == BadFile::NotOurs);
        auto holed = file;
        std::fill(holed.begin() + static_cast<std::ptrdiff_t>(kHeaderBytes) + 9, holed.end(), '\0');
        CHECK(fault_of(holed, key) == BadFile::Corrupt);
    }
    SECTION("any flipped bit, in header, meta or body, is noticed") {
        for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
            auto damaged = file;
            damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
            CAPTURE(bit);
            CHECK_FALSE(decode_object(damaged, key));
        }
    }
}

TEST_CASE("a header cannot make the reader allocate more than a largest object") {
    const auto key = key_number(1);
    auto head = encode_head(key, *object_of("", ""));
    const std::uint64_t huge = 1ULL << 40;
    std::memcpy(head.data() + 24, &huge, sizeof huge);
    const auto parsed = parse_header(head, kHeaderBytes + huge, key);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error() == BadFile::Corrupt);
}
