#include "server/http/message.h"

#include <catch2/catch.hpp>

#include "server/http/head.h"

using namespace selvage;
using namespace selvage::http;

SCENARIO("a head is serialised once, in order") {
    const Head head({{"content-type", "text/css"}, {"etag", "\"x\""}});
    CHECK(head.http1() == "content-type: text/css\r\netag: \"x\"\r\n");
    CHECK(head.field("etag") == "\"x\"");
    CHECK(head.field("vary").empty());
}

SCENARIO("the few fields of one response have a bound, and adding beyond it changes nothing") {
    SmallFields fields;
    CHECK(fields.add("age", "17"));
    CHECK(fields.add("empty", ""));
    CHECK(fields.at(0).name == "age");
    CHECK(fields.at(0).value == "17");
    CHECK(fields.at(1).value.empty());
    CHECK_FALSE(fields.add("long", std::string(511, 'x')));
    CHECK(fields.add("fits", std::string(510, 'x')));
    CHECK(fields.size() == 3);
    for (int i = 3; i < 8; ++i) CHECK(fields.add("more", ""));
    CHECK_FALSE(fields.add("ninth", ""));
    CHECK(fields.size() == 8);
    const SmallFields copy = fields;
    CHECK(copy.at(2).value == std::string(510, 'x'));
}

SCENARIO("a body of several segments has none that is empty") {
    const BlobPtr blob = make_blob("0123456789");
    const auto piece = [&](std::uint64_t offset, std::uint64_t length) {
        return Segment{.bytes = blob, .file = {}, .offset = offset, .length = length};
    };
    const Body body(std::vector<Segment>{piece(0, 0), piece(0, 3), piece(3, 0), piece(5, 5)});
    CHECK(body.length() == 8);
    REQUIRE(body.segments() == 2);
    CHECK(body.segment(0).length == 3);
    CHECK(body.segment(1).offset == 5);
    CHECK(Body(std::vector<Segment>{}).segments() == 0);
    CHECK(Body(std::vector<Segment>{piece(0, 0)}).segments() == 0);
}

SCENARIO("304 says what identifies and governs the representation, and nothing about its body") {  // RFC 9110 §15.4.5
    const Head head({{"content-type", "text/css"},
                     {"content-encoding", "br"},
                     {"cache-control", "public"},
                     {"etag", "\"x-br\""},
                     {"last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"},
                     {"vary", "Accept-Encoding"}});
    CHECK(not_modified_head(head)->http1() ==
          "cache-control: public\r\netag: \"x-br\"\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nvary: Accept-Encoding\r\n");
}
