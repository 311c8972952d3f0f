#include "server/http/priority.h"

#include <catch2/catch.hpp>

#include <string_view>
#include <utility>

using namespace selvage::http;

TEST_CASE("a Priority field is read") {  // RFC 9218 §4, RFC 8941 §3.2
    const auto is = [](std::string_view text, Urgency urgency, bool incremental) {
        INFO(text);
        CHECK(parse_priority(text) == Priority{urgency, incremental});
    };
    is("", 3, false);
    is("u=0", 0, false);
    is("u=7, i", 7, true);
    is("i", 3, true);
    is("i=?1,u=2", 2, true);
    is("i=?0", 3, false);
    is("u=1;foo=bar, i;x", 1, true);
    is("u=5, u=2", 2, false);                                     // the last one counts
    is("a=(1 2 3);q, b=\"x, u=1\", c=:YWI=:, d=-1.5", 3, false);  // others are read over
    is("  u=4  ", 4, false);
}

TEST_CASE("what is out of range or of another type counts as not given") {  // RFC 9218 §4
    for (const std::string_view text : {"u=8", "u=-1", "u=1.5", "u=\"1\"", "u=?1", "u=a", "u", "i=1", "i=yes"}) {
        INFO(text);
        CHECK(parse_priority(text) == Priority{});
    }
}

TEST_CASE("what is no dictionary is no priority") {
    for (const std::string_view text : {",", "u=1,", "u=", "U=1", "u=1 i", "=1", "u=1;", "x=\"open", "x=(1", "1"}) {
        INFO(text);
        CHECK(!parse_priority(text));
    }
}

TEST_CASE("without a word from the client the type decides") {  // static-delivery §7
    CHECK(default_urgency("text/html; charset=utf-8") == 0);
    CHECK(default_urgency("text/css; charset=utf-8") == 1);
    CHECK(default_urgency("font/woff2") == 2);
    CHECK(default_urgency("text/javascript; charset=utf-8") == 2);
    CHECK(default_urgency("image/webp") == 3);
    CHECK(default_urgency("") == 3);
}
