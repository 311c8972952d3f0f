#include "base/fields.h"

#include <catch2/catch.hpp>

using namespace selvage;

namespace {

std::string walked(std::string_view list) {
    std::string out;
    while (const auto member = next_weighted(list))
        out += std::string(member->token) + "=" + std::to_string(member->weight) + " ";
    return out;
}

std::vector<std::string> members(std::string_view list) {
    std::vector<std::string> out;
    while (const auto member = next_member(list)) out.emplace_back(*member);
    return out;
}

}  // namespace

SCENARIO("a weighted list is walked member by member") {  // RFC 9110 §12.4.2
    CHECK(walked("gzip, br;q=0.5, zstd ; q=0") == "gzip=1000 br=500 zstd=0 ");
    CHECK(walked("image/avif,image/webp,*/*;q=0.8") == "image/avif=1000 image/webp=1000 */*=800 ");
    CHECK(walked("a;q=1.000,b;q=0.123,c;Q=0.9") == "a=1000 b=123 c=900 ");

    THEN("other parameters are skipped") {
        CHECK(walked("text/html;level=1;q=0.4") == "text/html=400 ");
        CHECK(walked("text/html;q=0.4;level=1;q=1") == "text/html=400 ");
        CHECK(walked("text/html;title=\"a,b;q=0.1\";q=0.7,x") == "text/html=700 x=1000 ");
    }
    THEN("a malformed weight never makes a member acceptable") {
        for (const char* weight :
             {"q=", "q", "q=2", "q=1.001", "q=-1", "q=0.1234", "q=.5", "q=high", "q=0,5", "q = x", "q=\"1\""}) {
            INFO(weight);
            std::string_view list{weight};
            const std::string text = "a;" + std::string(list);
            list = text;
            CHECK(next_weighted(list)->weight == 0);
        }
    }
    THEN("empty members are ignored") {  // RFC 9110 §5.6.1.2
        CHECK(walked(" , ,a,,b, ") == "a=1000 b=1000 ");
        CHECK(walked("") == "");
        CHECK(walked(";q=1") == "");
    }
}

SCENARIO("a list of entity tags is walked member by member") {  // RFC 9110 §13.1.2
    CHECK(members("\"a\", W/\"b\" ,*") == std::vector<std::string>{"\"a\"", "W/\"b\"", "*"});
    THEN("a comma within quotes does not separate") {
        CHECK(members("\"a,b\",\"c\"") == std::vector<std::string>{"\"a,b\"", "\"c\""});
    }
    THEN("an open quote takes the rest") { CHECK(members("\"a,b") == std::vector<std::string>{"\"a,b"}); }
    THEN("a final backslash ends it") { CHECK(members("\"a\\") == std::vector<std::string>{"\"a\\"}); }
}

TEST_CASE("letters compare without case, and only ASCII letters") {
    CHECK(equals_ignoring_case("Content-TYPE", "content-type"));
    CHECK_FALSE(equals_ignoring_case("a", "ab"));
    CHECK_FALSE(equals_ignoring_case("[", "{"));
    CHECK_FALSE(equals_ignoring_case("\xC3\x89", "\xC3\xA9"));
}

TEST_CASE("optional white space is space and tab") {  // RFC 9110 §5.6.3
    CHECK(trim(" \ta b\t ") == "a b");
    CHECK(trim(" \t ").empty());
    CHECK(trim("\na") == "\na");
}
