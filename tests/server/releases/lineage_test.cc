#include "server/releases/lineage.h"

#include <catch2/catch.hpp>

#include <vector>

using namespace selvage;
using namespace selvage::releases;

namespace {

Lineage lineage(std::string_view path) { return lineage_of(path, http::fingerprint_of(path)); }

std::string match(std::string_view path) { return match_of(lineage(path)).value_or("none"); }

Candidate file(std::string_view path, std::uint64_t size, bool compressible = true) {
    const http::Fingerprint fingerprint = http::fingerprint_of(path);
    return {.path = path,
            .size = size,
            .compressible = compressible,
            .fingerprint = fingerprint,
            .lineage = lineage_of(path, fingerprint)};
}

constexpr auto kNone = Offering::None, kLineage = Offering::Lineage, kPlace = Offering::Place;

}  // namespace

SCENARIO("two builds' versions of a file are of one lineage") {
    CHECK(lineage("/assets/index-BkS2dFq1.js") == lineage("/assets/index-Dx7wR2gT.js"));
    CHECK(lineage("/static/js/main.8f1c3e2a.chunk.js") == lineage("/static/js/main.0d9b7c61.chunk.js"));
    CHECK(lineage("/a/app-0123456789abcdef.css.map") == lineage("/a/app-fedcba9876543210.css.map"));
    CHECK(lineage("/_next/static/Zm9vYmFyYmF6cXV4MTIz4/_buildManifest.js") ==
          lineage("/_next/static/cXV4YmF6YmFyZm9vMTIz5/_buildManifest.js"));
    THEN("another folder, name or ending is another lineage") {
        CHECK(lineage("/assets/index-BkS2dFq1.js") != lineage("/other/index-BkS2dFq1.js"));
        CHECK(lineage("/assets/index-BkS2dFq1.js") != lineage("/assets/about-BkS2dFq1.js"));
        CHECK(lineage("/assets/index-BkS2dFq1.js") != lineage("/assets/index-BkS2dFq1.css"));
        CHECK(lineage("/assets/index-BkS2dFq1.js") != lineage("/assets/index-BkS2dFq1.js.map"));
    }
    THEN("a name without a hash is a lineage by itself") {
        CHECK(lineage("/app.js").before == "/app.js");
        CHECK_FALSE(lineage("/app.js").varies);
    }
}

SCENARIO("a dictionary is offered for what its lineage will have") {  // RFC 9842 §2.1.1
    CHECK(match("/assets/index-BkS2dFq1.js") == "/assets/index-*.js");
    CHECK(match("/static/js/main.8f1c3e2a.chunk.js") == "/static/js/main.*.chunk.js");
    CHECK(match("/_next/static/Zm9vYmFyYmF6cXV4MTIz4/_buildManifest.js") == "/_next/static/*/_buildManifest.js");
    CHECK(match("/app.js") == "/app.js");
    THEN("what means something in a URL pattern is escaped, and what may not stand in a URL is encoded") {
        CHECK(match("/a(b)/c+d:e*-BkS2dFq1.js") == "/a\\(b\\)/c\\+d\\:e\\*-*.js");
        CHECK(match("/{x}/a?-BkS2dFq1.js") == "/%7Bx%7D/a%3F-*.js");
        CHECK(match("/\xC3\xBC b-BkS2dFq1.js") == "/%C3%BC%20b-*.js");
    }
    THEN("a very long path is offered for nothing") { CHECK(match("/" + std::string(1100, 'a') + "-BkS2dFq1.js") == "none"); }
}

SCENARIO("of files with one stem only the largest offers itself") {
    const std::vector<Candidate> build{file("/a/chunk-BkS2dFq1.woff", 5000), file("/a/chunk-Dx7wR2gT.woff", 9000),
                                       file("/a/chunk-Ab3dEf9h.woff", 7000)};
    CHECK(offerings_of(build) == std::vector{kNone, kLineage, kNone});
    THEN("of equal ones the first by name, in whatever order they come") {
        CHECK(offerings_of(std::vector{file("/b-Dx7wR2gT.txt", 2000), file("/b-BkS2dFq1.txt", 2000)}) ==
              std::vector{kNone, kLineage});
        CHECK(offerings_of(std::vector{file("/b-BkS2dFq1.txt", 2000), file("/b-Dx7wR2gT.txt", 2000)}) ==
              std::vector{kLineage, kNone});
    }
    THEN("none of them when there are more than sixteen") {
        std::vector<std::string> names;
        for (int i = 0; i < 17; ++i) names.push_back("/a/chunk-Ab3dEf" + std::to_string(10 + i) + ".txt");
        std::vector<Candidate> many;
        for (const std::string& name : names) many.push_back(file(name, 2000));
        REQUIRE(many[0].lineage == many[16].lineage);
        CHECK(offerings_of(many) == std::vector(17, kNone));
        many.pop_back();
        CHECK(offerings_of(many)[0] == kLineage);
    }
}

SCENARIO("the largest script and the largest style sheet of a folder offer themselves for all of them") {
    const std::vector<Candidate> build{file("/a/0a1b2c3d4e5f6.js", 9000), file("/a/index-BkS2dFq1.js", 20000),
                                       file("/a/index-Dx7wR2gT.css", 3000), file("/b/about-BkS2dFq1.js", 2000),
                                       file("/a/logo-BkS2dFq1.svg", 90000)};
    CHECK(offerings_of(build) == std::vector{kLineage, kPlace, kPlace, kPlace, kLineage});
    const auto place = place_of("/a/index-BkS2dFq1.js", http::fingerprint_of("/a/index-BkS2dFq1.js"));
    REQUIRE(place);
    CHECK(match_of(*place) == "/a/*.js");
    CHECK_FALSE(place_of("/a/logo-BkS2dFq1.svg", {}));
}

SCENARIO("what is too small, too large or not compressible is no dictionary") {
    CHECK(offerings_of(std::vector{file("/a-BkS2dFq1.txt", 1023)}) == std::vector{kNone});
    CHECK(offerings_of(std::vector{file("/a-BkS2dFq1.txt", 1024)}) == std::vector{kLineage});
    CHECK(offerings_of(std::vector{file("/a-BkS2dFq1.txt", 8 << 20)}) == std::vector{kLineage});
    CHECK(offerings_of(std::vector{file("/a-BkS2dFq1.txt", (8 << 20) + 1)}) == std::vector{kNone});
    CHECK(offerings_of(std::vector{file("/a-BkS2dFq1.png", 5000, false)}) == std::vector{kNone});
    THEN("the next one of its lineage is taken") {
        CHECK(offerings_of(std::vector{file("/a-BkS2dFq1.txt", 9 << 20), file("/a-Dx7wR2gT.txt", 5000)}) ==
              std::vector{kNone, kLineage});
    }
}
