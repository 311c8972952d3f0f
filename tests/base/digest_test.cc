#include "base/digest.h"

#include <catch2/catch.hpp>

using namespace selvage;

TEST_CASE("SHA-256 gives the digests of FIPS 180-4's examples") {
    CHECK(hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a content read in slices has the digest of the whole") {
    const std::string content(100'000, 'x');
    Sha256Stream stream;
    for (std::size_t i = 0; i < content.size(); i += 4'097) stream.update(std::string_view(content).substr(i, 4'097));
    CHECK(stream.finish() == sha256(content));
}

TEST_CASE("a key tells where one part ends and the next begins") {
    CHECK(key_of({"ab", "c"}) != key_of({"a", "bc"}));
    CHECK(key_of({"a"}) != key_of({"a", ""}));
    CHECK(key_of({"a", "b"}) == key_of({"a", "b"}));
}

TEST_CASE("a key never changes between builds: disks and other edges know it") {
    CHECK(hex(key_of({"content", "w=640&fm=avif", "1"})) == "219bbe947fe51aea3d431eadbdf2b617");
    CHECK(checksum64("selvage") == 0xca0b62c647e3eea4);
}

TEST_CASE("digests are written as lower-case hexadecimal and unpadded base64url") {  // RFC 4648 §5
    CHECK(hex(std::string_view("\x00\xff\x7f", 3)) == "00ff7f");
    CHECK(hex(Key128{.high = 0x0123456789abcdef, .low = 1}) == "0123456789abcdef0000000000000001");
    CHECK(base64url("") == "");
    CHECK(base64url("f") == "Zg");
    CHECK(base64url("fo") == "Zm8");
    CHECK(base64url("foobar") == "Zm9vYmFy");
    CHECK(base64url("\xfb\xff\xbf") == "-_-_");
}

TEST_CASE("the opaque part of an entity tag is 16 characters of base64url") {
    const std::string text = etag_text(sha256("abc"));
    CHECK(text.size() == 16);
    CHECK(text == base64url(as_text(sha256("abc")).substr(0, 12)));
}
