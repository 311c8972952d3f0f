#include "base/url.h"

#include <catch2/catch.hpp>

#include <random>

using namespace selvage;

namespace {

std::string normal(std::string_view raw) {
    const auto path = normalise_path(raw);
    return path ? *path : "error: " + path.error().detail;
}

bool refused(std::string_view raw) {
    const auto path = normalise_path(raw);
    return !path && path.error().kind == ErrorKind::BadRequest;
}

}  // namespace

TEST_CASE("a target splits at its first question mark") {
    CHECK(split_target("/a?b=c?d").path == "/a");
    CHECK(split_target("/a?b=c?d").query == "b=c?d");
    CHECK(split_target("/a?").has_query);
    CHECK_FALSE(split_target("/a").has_query);
    CHECK(split_target("").path.empty());
}

SCENARIO("a path is decoded once and cannot leave the root") {  // protocol-and-limits §4, RFC 3986 §5.2.4
    CHECK(normal("/") == "/");
    CHECK(normal("/a/b.css") == "/a/b.css");
    CHECK(normal("/caf%C3%A9") == "/caf\xC3\xA9");
    CHECK(normal("/%2541") == "/%41");
    CHECK(normal("/a+b%20c") == "/a+b c");

    THEN("dot segments are resolved, written or encoded") {
        CHECK(normal("/a/b/../c") == "/a/c");
        CHECK(normal("/a/./b") == "/a/b");
        CHECK(normal("/a/b/..") == "/a/");
        CHECK(normal("/a/.") == "/a/");
        CHECK(normal("/../../etc/passwd") == "/etc/passwd");
        CHECK(normal("/%2e%2E/etc/passwd") == "/etc/passwd");
        CHECK(normal("/a/.%2e/b") == "/b");
        CHECK(normal("/..") == "/");
        CHECK(normal("/...") == "/...");
        CHECK(normal("/.well-known/x") == "/.well-known/x");
    }
    THEN("empty segments and a final slash are kept") {
        CHECK(normal("//a//b/") == "//a//b/");
        CHECK(normal("/a//../b") == "/a/b");
    }
    THEN("an encoded slash never separates") {
        CHECK(normal("/a%2Fb") == "/a%2Fb");
        CHECK(normal("/a%2fb") == "/a%2Fb");
        CHECK(normal("/..%2Fetc") == "/..%2Fetc");
    }
    THEN("what could be read in two ways is refused") {
        for (const char* raw : {"", "a", "*", "/%", "/%4", "/%zz", "/%00", "/a%0a", "/%7F", "/a\\b", "/%5C..%5c", "/\x01"}) {
            INFO(raw);
            CHECK(refused(raw));
        }
        CHECK(refused(std::string_view("/a\0b", 4)));
    }
}

TEST_CASE("a path that is normal already says so, and no other does") {
    for (const char* raw : {"/", "/a", "/a/", "//", "/a%2Fb", "/...", "/.a", "/..a/b", "/caf\xC3\xA9"}) {
        INFO(raw);
        CHECK(is_normal_path(raw));
        CHECK(normal(raw) == raw);
    }
    for (const char* raw : {"", "a", "/.", "/..", "/./", "/a/../b", "/a/..", "/%41", "/a%2fb", "/%2", "/\\", "/\x7F"}) {
        INFO(raw);
        CHECK_FALSE(is_normal_path(raw));
        CHECK(normal(raw) != raw);
    }
}

TEST_CASE("any path, normalised and encoded for a Location, leads to the same place") {
    std::mt19937 random(1);
    constexpr std::string_view pieces[] = {"/", ".",        "..", "a", "%2F", "%2e", "%25",
                                           "%", "\xC3\xA9", " ",  "?", "%41", "\\",  "//"};
    for (int i = 0; i < 20'000; ++i) {
        std::string raw = "/";
        for (auto n = random() % 8; n > 0; --n) raw += pieces[random() % std::size(pieces)];
        const auto path = normalise_path(raw);
        CHECK(is_normal_path(raw) == (path && *path == raw));
        if (!path) continue;
        CHECK(path->starts_with('/'));
        CHECK((*path + "/").find("/../") == std::string::npos);
        CHECK(normal(encode_path(*path)) == *path);
    }
}

TEST_CASE("only what may stand in a path stays unencoded") {  // RFC 3986 §3.3
    CHECK(encode_path("/a b?c#d%e") == "/a%20b%3Fc%23d%25e");
    CHECK(encode_path("/caf\xC3\xA9/~x;y=1,2:@!$&'()*+") == "/caf%C3%A9/~x;y=1,2:@!$&'()*+");
    CHECK(encode_path("/\r\nSet-Cookie: a") == "/%0D%0ASet-Cookie:%20a");
}

TEST_CASE("percent-decoding happens once, and fails on broken escapes") {
    CHECK(percent_decode("a%20b+c%2541") == "a b+c%41");
    CHECK(percent_decode("") == "");
    CHECK_FALSE(percent_decode("%").has_value());
    CHECK_FALSE(percent_decode("%f").has_value());
    CHECK_FALSE(percent_decode("%g0").has_value());
}

TEST_CASE("a query is a list of parameters in order, split at the first equals sign") {
    const auto params = split_query("w=640&&h=&flag&a=b=c&=x&");
    REQUIRE(params.size() == 5);
    CHECK((params[0].key == "w" && params[0].value == "640"));
    CHECK((params[1].key == "h" && params[1].value.empty()));
    CHECK((params[2].key == "flag" && params[2].value.empty()));
    CHECK((params[3].key == "a" && params[3].value == "b=c"));
    CHECK((params[4].key.empty() && params[4].value == "x"));
    CHECK(split_query("").empty());
}
