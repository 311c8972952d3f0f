#include "server/http/range.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace selvage::http;
using namespace std::chrono_literals;
using Kind = selvage::http::RangeChoice::Kind;

namespace {

// "0+5 20+3": what is served; "whole" or "416".
std::string served(std::string_view value, std::uint64_t size) {
    const RangeChoice choice = parse_range(value, size);
    if (choice.kind == Kind::Whole) return "whole";
    if (choice.kind == Kind::Unsatisfiable) return "416";
    std::string text;
    for (std::size_t i = 0; i < choice.count; ++i) {
        text += (i == 0 ? "" : " ") + std::to_string(choice.ranges[i].first) + "+" + std::to_string(choice.ranges[i].length);
    }
    return text;
}

std::string bytes_of(const Body& body) {
    std::string bytes;
    for (std::size_t i = 0; i < body.segments(); ++i) {
        const Segment& segment = body.segment(i);
        bytes += segment.bytes->view().substr(segment.offset, segment.length);
    }
    return bytes;
}

Answer whole_answer(std::string content) {
    Answer answer;
    answer.head = std::make_shared<const Head>(Head::Fields{{"content-type", "text/plain"}, {"etag", "\"x\""}});
    answer.body = Body(make_blob(std::move(content)));
    return answer;
}

}  // namespace

SCENARIO("one range") {  // RFC 9110 §14.1.2
    CHECK(served("bytes=0-4", 100) == "0+5");
    CHECK(served("bytes=0-0", 100) == "0+1");
    CHECK(served("bytes=95-", 100) == "95+5");
    CHECK(served("bytes=95-1000", 100) == "95+5");
    CHECK(served("bytes=-5", 100) == "95+5");
    CHECK(served("bytes=-1000", 100) == "0+100");
    CHECK(served("bytes=99-99", 100) == "99+1");
    CHECK(served("BYTES=0-4", 100) == "0+5");
    CHECK(served("bytes= 0-4 ,", 100) == "0+5");
    CHECK(served("bytes=0-99999999999999999999999999", 100) == "0+100");
}

SCENARIO("what cannot be satisfied is 416, what cannot be read is ignored") {  // RFC 9110 §14.2, §15.5.17
    CHECK(served("bytes=100-", 100) == "416");
    CHECK(served("bytes=100-200, 300-", 100) == "416");
    CHECK(served("bytes=-0", 100) == "416");
    CHECK(served("bytes=99999999999999999999999-", 100) == "416");
    CHECK(served("bytes=0-", 0) == "416");
    CHECK(served("bytes=200-, 0-1", 100) == "0+2");
    for (const char* value :
         {"", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0-1-2", "bytes=1 -2", "lines=0-4",
          "bytes=0x1-2", "bytes=--1", "bytes=+1-2", "bytes=0-4;1-2", "bytes:0-4", "bytes=0-1,x"}) {
        INFO(value);
        CHECK(served(value, 100) == "whole");
    }
    CHECK(served("bytes=-5", 0) == "whole");
}

SCENARIO("several ranges keep the client's order, and near ones are joined") {  // protocol-and-limits §4
    CHECK(served("bytes=0-9, 500-509", 1000) == "0+10 500+10");
    CHECK(served("bytes=500-509, 0-9", 1000) == "500+10 0+10");
    CHECK(served("bytes=0-9, 10-19", 1000) == "0+20");
    CHECK(served("bytes=0-9, 5-19", 1000) == "0+20");
    CHECK(served("bytes=0-9, 137-140", 1000) == "0+141");       // a gap of 127
    CHECK(served("bytes=0-9, 138-140", 1000) == "0+10 138+3");  // of 128
    CHECK(served("bytes=900-, -50, 0-0", 1000) == "900+100 0+1");
    CHECK(served("bytes=400-409, 0-9, 200-209, 405-500", 1000) == "400+101 0+10 200+10");
}

SCENARIO("a field that asks for more than there is gets the whole once") {  // protocol-and-limits §4
    CHECK(served("bytes=0-,0-", 1000) == "whole");
    CHECK(served("bytes=0-599,400-999", 1000) == "whole");
    const auto apart = [](int count, int step) {
        std::string value = "bytes=";
        for (int i = 0; i < count; ++i) value += std::to_string(i * step) + "-" + std::to_string(i * step) + ",";
        return value;
    };
    CHECK(parse_range(apart(10, 1000), 100'000).count == 10);
    CHECK(served(apart(11, 1000), 100'000) == "whole");
    CHECK(parse_range(apart(32, 2), 100'000).count == 1);
    CHECK(served(apart(33, 2), 100'000) == "whole");
}

SCENARIO("ranges are for GET, under If-Range") {  // RFC 9110 §14.2
    const Validators validators{.content = "abcdefghijklmnop", .suffix = "", .last_modified = {}};
    Request request;
    request.fields = {{"range", "bytes=0-4"}};
    CHECK(choose_range(request, validators, 100, WallTime{1h}).kind == Kind::Partial);
    request.method = Method::Head;
    CHECK(choose_range(request, validators, 100, WallTime{1h}).kind == Kind::Whole);
    request.method = Method::Get;
    request.fields.push_back({"if-range", "\"other\""});
    CHECK(choose_range(request, validators, 100, WallTime{1h}).kind == Kind::Whole);
}

SCENARIO("206 with one part is the slice and says which") {  // RFC 9110 §15.3.7.1
    const Answer answer = partial_answer(whole_answer("0123456789"), parse_range("bytes=2-5", 10), "unused");
    CHECK(answer.status == 206);
    CHECK(bytes_of(answer.body) == "2345");
    CHECK(answer.head->field("content-type") == "text/plain");
    REQUIRE(answer.extra.size() == 1);
    CHECK(answer.extra.at(0).name == "content-range");
    CHECK(answer.extra.at(0).value == "bytes 2-5/10");
}

SCENARIO("206 with several parts is multipart/byteranges") {  // RFC 9110 §14.6
    std::string content(1000, '.');
    content.replace(0, 3, "abc");
    content.replace(997, 3, "xyz");
    const Answer answer = partial_answer(whole_answer(content), parse_range("bytes=0-2,-3", 1000), "BOUNDARY");
    CHECK(answer.status == 206);
    CHECK(answer.head->field("content-type") == "multipart/byteranges; boundary=BOUNDARY");
    CHECK(answer.head->field("etag") == "\"x\"");
    CHECK(answer.extra.size() == 0);
    const std::string expected =
        "--BOUNDARY\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-2/1000\r\n\r\nabc"
        "\r\n--BOUNDARY\r\ncontent-type: text/plain\r\ncontent-range: bytes 997-999/1000\r\n\r\nxyz"
        "\r\n--BOUNDARY--\r\n";
    CHECK(bytes_of(answer.body) == expected);
    CHECK(answer.body.length() == expected.size());
}

SCENARIO("416 tells the size") {  // RFC 9110 §15.5.17
    const Answer answer = unsatisfiable_answer(1234);
    CHECK(answer.status == 416);
    CHECK(answer.head->field("content-range") == "bytes */1234");
    CHECK(answer.head->field("cache-control") == "no-store");
}

SCENARIO("a slice may span segments") {
    const auto segment = [](const char* text) {
        const BlobPtr blob = make_blob(text);
        return Segment{.bytes = blob, .file = {}, .offset = 0, .length = blob->size()};
    };
    const Body body(std::vector<Segment>{segment("abc"), segment("def"), segment("ghi")});
    CHECK(bytes_of(slice(body, 2, 5)) == "cdefg");
    CHECK(bytes_of(slice(body, 3, 3)) == "def");
    CHECK(bytes_of(slice(body, 0, 9)) == "abcdefghi");
    CHECK(slice(body, 9, 1).length() == 0);
    CHECK(slice(Body(make_blob("abc")), 3, 1).length() == 0);
}
