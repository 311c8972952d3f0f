#include "config/suggestion.h"

#include <catch2/catch.hpp>

using namespace selvage::config;

namespace {

std::string meant(std::string_view word) {
    constexpr std::string_view known[] = {"listen", "workers", "log_level", "certificate", "key", "root", "edge_ttl", "edge_tag"};
    return std::string(nearest(word, known).value_or("-"));
}

}  // namespace

SCENARIO("a mistyped key suggests the one that was meant") {
    CHECK(meant("worker") == "workers");
    CHECK(meant("wokrers") == "workers");
    CHECK(meant("wrokesr") == "workers");
    CHECK(meant("lisen") == "listen");
    CHECK(meant("rot") == "root");
    THEN("another spelling of the same words is near") {
        CHECK(meant("log-level") == "log_level");
        CHECK(meant("LogLevel") == "log_level");
    }
    THEN("the beginning of a word is enough") {
        CHECK(meant("cert") == "certificate");
        CHECK(meant("listening") == "listen");
    }
    THEN("among equals the first is meant") { CHECK(meant("edge_t") == "edge_ttl"); }
    THEN("what is far is not guessed") {
        CHECK(meant("colour") == "-");
        CHECK(meant("k") == "-");
        CHECK(meant("rt") == "-");
        CHECK(meant("") == "-");
        CHECK(meant(std::string(10'000, 'x')) == "-");
    }
}
