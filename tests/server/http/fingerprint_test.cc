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
        const Fingerprint found = fingerprint_of(path);
        const std::string name = found == Fingerprint::Certain ? "certain" : found == Fingerprint::Possible ? "possible" : "none";
        CHECK(name == expected);
        CHECK(is_fingerprinted(path) == (expected == "certain"));
    }
}

SCENARIO("any bytes have a verdict") {
    for (const char* path :
         {"", ".", "/.", "/-", "/--------.js", "/a-________.js", "/.map", "/.LICENSE.txt", "/_next/static/", "/_next/static/x"}) {
        INFO(path);
        CHECK_FALSE(is_fingerprinted(path));
    }
}
