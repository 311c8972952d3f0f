#include "server/http/fingerprint.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <string>

using namespace selvage::http;

SCENARIO("names of build tools are told from names of people") {  // static-delivery §2
    std::ifstream table(SELVAGE_TEST_DATA "/fingerprint.tsv");
    REQUIRE(table);
    for (std::string line; std::getline(table, line);) {
        if (line.empty() || line.starts_with('#')) continue;
        const std::size_t first = line.find('\t');
        const std::size_t second = line.find('\t', first + 1);
        const std::string path = line.substr(0, first);
        const std::string expected = line.substr(first + 1, second - first - 1);
        INFO(line);
        const Fingerprint::Kind found = fingerprint_of(path).kind;
        const std::string name = found == Fingerprint::Certain ? "certain" : found == Fingerprint::Possible ? "possible" : "none";
        CHECK(name == expected);
        CHECK(is_fingerprinted(path) == (expected == "certain"));
    }
}

SCENARIO("a fingerprint says where the hash lies, in which shape") {
    const auto cut = [](std::string_view path) {
        const Fingerprint found = fingerprint_of(path);
        std::string pattern(path);
        if (found.hash.length != 0) pattern.replace(found.hash.offset, found.hash.length, "*");
        return pattern;
    };
    CHECK(cut("/assets/index-DbK3f_qR.js") == "/assets/index-*.js");
    CHECK(cut("/assets/index--Ab3dE9x.js") == "/assets/index-*.js");
    CHECK(cut("/static/js/787.8b3e1f2a.chunk.js") == "/static/js/787.*.chunk.js");
    CHECK(cut("/static/js/main.8f2a9c1d.js.LICENSE.txt") == "/static/js/main.*.js.LICENSE.txt");
    CHECK(cut("/assets/index-DbK3f_qR.js.map") == "/assets/index-*.js.map");
    CHECK(cut("/_next/static/media/a34f9d1faa5f3315-s.p.woff2") == "/_next/static/media/*-s.p.woff2");
    CHECK(cut("/_next/static/media/picture.0-db3zgcykzoa.svg") == "/_next/static/media/picture.*.svg");
    CHECK(cut("/_next/static/chunks/0v3k-a9x2m_7q.js") == "/_next/static/chunks/*.js");
    CHECK(cut("/_nuxt/Cz8_k2Qd.js") == "/_nuxt/*.js");
    CHECK(cut("/_app/immutable/nodes/0.B7cVq1Zt.js") == "/_app/immutable/nodes/0.*.js");
    CHECK(cut("/_app/immutable/nodes/0.js") == "/_app/immutable/nodes/0.js");  // the folder alone says it
    CHECK(cut("/043dfd5f648e0585977e.svg") == "/*.svg");

    const std::string_view manifest = "/_next/static/hBx4fDk2lqWz7yQnR0tKs/_buildManifest.js";
    CHECK(fingerprint_of(manifest).build.of(manifest) == "hBx4fDk2lqWz7yQnR0tKs");
    CHECK(fingerprint_of("/a/index-DbK3f_qR.js").shape == TailShape{Alphabet::Base64url, '-', 8});
    CHECK(fingerprint_of("/a/main-5TDMYG2K.js").shape == TailShape{Alphabet::Base32, '-', 8});
    CHECK(fingerprint_of("/a/main.8f2a9c1d.js").shape == TailShape{Alphabet::Hex, '.', 8});
}

SCENARIO("the rule that a name follows can be read") {
    CHECK(to_string(fingerprint_of("/assets/index-DbK3f_qR.js")) ==
          "8 characters of base64url after '-' (Vite, Rollup, Rolldown)");
    CHECK(to_string(fingerprint_of("/css/style.27e20196a850.css")) == "12 hexadecimal digits after '.' (Django)");
    CHECK(to_string(fingerprint_of("/043dfd5f648e0585977e.svg")) == "20 hexadecimal digits as the whole name (webpack)");
    CHECK(to_string(fingerprint_of("/_app/immutable/nodes/0.js")) == "path rule /_app/immutable/ (SvelteKit)");
    CHECK(to_string(fingerprint_of("/app.js")).empty());
}

SCENARIO("a shape covers what it may come out as") {
    const TailShape base64url{Alphabet::Base64url, '-', 8}, base32{Alphabet::Base32, '-', 8}, hex{Alphabet::Hex, '.', 8};
    CHECK(base64url.covers(base32));
    CHECK(base64url.covers(hex));
    CHECK(hex.covers({Alphabet::Hex, '\0', 8}));
    CHECK_FALSE(base32.covers(base64url));
    CHECK_FALSE(hex.covers({Alphabet::Hex, '.', 16}));
}

SCENARIO("what a tool hardly writes is told from what it seldom writes") {
    for (const char* text : {"overview", "12345678", "20240115", "page-001", "settings", "SemiBold", "DatePick"}) {
        INFO(text);
        CHECK(is_unlikely(text, Alphabet::Base64url));
    }
    for (const char* text : {"CAFUGATo", "DBn_ctER", "CK7718JR", "D0v9_f_S"}) {  // of real builds
        INFO(text);
        CHECK_FALSE(is_unlikely(text, Alphabet::Base64url));
    }
    CHECK(is_unlikely("20240115", Alphabet::Hex));
    CHECK(is_unlikely("deadbeef", Alphabet::Hex));
    CHECK_FALSE(is_unlikely("58717271", Alphabet::Hex));  // 2 % are digits alone
    CHECK_FALSE(is_unlikely("ESTTIGRI", Alphabet::Base32));
}

SCENARIO("any bytes have a verdict") {
    for (const char* path :
         {"", ".", "/.", "/-", "/--------.js", "/a-________.js", "/.map", "/.LICENSE.txt", "/_next/static/", "/_next/static/x"}) {
        INFO(path);
        CHECK_FALSE(is_fingerprinted(path));
    }
}
