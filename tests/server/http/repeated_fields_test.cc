#include <catch2/catch.hpp>

#include <algorithm>
#include <iterator>
#include <string>

#include "server/http/http1_head.h"
#include "server/http/request_builder.h"

using namespace selvage;
using namespace selvage::http;

SCENARIO("a field that comes again and again is one field") {  // RFC 9110 §5.3, RFC 9113 §8.2.3
    const std::string large(8'000, 'x');
    WHEN("it is HTTP/2, and two of them take turns") {
        RequestBuilder builder;
        builder.add(":authority", "example.org");
        builder.add("accept", large);
        for (int i = 0; i < 50; ++i) {
            builder.add("origin", "c");
            builder.add("accept", "y");
        }
        Request request;
        REQUIRE(builder.build(request));
        THEN("each has all its values, in their order") {
            std::string list = large, origin = "c";
            for (int i = 0; i < 50; ++i) list += ", y";
            for (int i = 1; i < 50; ++i) origin += ", c";
            CHECK(request.field("accept") == list);
            CHECK(request.field("origin") == origin);
            CHECK(request.fields.size() == 2);
        }
    }
    WHEN("it is HTTP/1") {
        Http1Text text{.head = "GET / HTTP/1.1\r\nHost: a\r\nAccept: " + large + "\r\n", .added = {}};
        for (int i = 0; i < 40; ++i) text.head += "Origin: c\r\nAccept: y\r\n";
        text.head += "\r\n";
        Request request;
        REQUIRE(parse_http1_head(text, config::Http1{}, request).error == 0);
        THEN("each has all its values, in their order") {
            CHECK(request.field("origin").size() == 40 + 39 * 2);
            CHECK(request.field("accept").substr(0, 8'006) == large + ", y, y");
        }
        THEN("and is kept once, not once for each time") { CHECK(std::distance(text.added.begin(), text.added.end()) == 2); }
    }
}
