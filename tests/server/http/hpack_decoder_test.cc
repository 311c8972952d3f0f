#include "server/http/http2/hpack_decoder.h"

#include <catch2/catch.hpp>
#include <nghttp2/nghttp2.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "server/http/http2/huffman.h"
#include "server/http/request_builder.h"

using namespace selvage::http;
using namespace selvage::http::h2;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string bytes(std::initializer_list<int> values) {
    std::string text;
    for (const int value : values) text += static_cast<char>(value);
    return text;
}

// nghttp2's encoder: one that is not ours.
class Encoder {
public:
    explicit Encoder(std::size_t table = 4'096) { nghttp2_hd_deflate_new(&deflater_, table); }
    ~Encoder() { nghttp2_hd_deflate_del(deflater_); }
    Encoder(const Encoder&) = delete;
    Encoder& operator=(const Encoder&) = delete;

    std::string encode(Fields& fields, std::uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
        std::vector<nghttp2_nv> block;
        for (auto& [name, value] : fields) {
            block.push_back({reinterpret_cast<std::uint8_t*>(name.data()), reinterpret_cast<std::uint8_t*>(value.data()),
                             name.size(), value.size(), flags});
        }
        std::string coded(nghttp2_hd_deflate_bound(deflater_, block.data(), block.size()), '\0');
        const ssize_t size = nghttp2_hd_deflate_hd(deflater_, reinterpret_cast<std::uint8_t*>(coded.data()), coded.size(),
                                                   block.data(), block.size());
        coded.resize(static_cast<std::size_t>(size));
        return coded;
    }
    void resize(std::size_t table) { nghttp2_hd_deflate_change_table_size(deflater_, table); }

private:
    nghttp2_hd_deflater* deflater_ = nullptr;
};

struct Decoded {
    HpackDecoder::Step end = HpackDecoder::Step::End;
    Fields fields;
};

Decoded decode(HpackDecoder& decoder, std::string_view block) {
    HpackScratch scratch;
    DecodedField field;
    Decoded result;
    decoder.begin();
    while ((result.end = decoder.next(block, scratch, field)) == HpackDecoder::Step::Field) {
        result.fields.emplace_back(field.name, field.value);
    }
    return result;
}

Fields decoded(std::string_view block) {
    HpackDecoder decoder;
    return decode(decoder, block).fields;
}

bool broken(std::string_view block) {
    HpackDecoder decoder;
    return decode(decoder, block).end == HpackDecoder::Step::Broken;
}

}  // namespace

TEST_CASE("the examples of RFC 7541 are decoded") {
    HpackDecoder decoder;  // C.4: requests, Huffman coded, on one connection
    CHECK(decode(decoder, "\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff").fields ==
          Fields{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "www.example.com"}});
    CHECK(decode(decoder, "\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf").fields == Fields{{":method", "GET"},
                                                                                               {":scheme", "http"},
                                                                                               {":path", "/"},
                                                                                               {":authority", "www.example.com"},
                                                                                               {"cache-control", "no-cache"}});
    CHECK(decode(decoder, "\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf")
              .fields == Fields{{":method", "GET"},
                                {":scheme", "https"},
                                {":path", "/index.html"},
                                {":authority", "www.example.com"},
                                {"custom-key", "custom-value"}});
    CHECK(decoded("\x40\x0a"
                  "custom-key\x0d"
                  "custom-header") == Fields{{"custom-key", "custom-header"}});      // C.2.1
    CHECK(decoded("\x04\x0c/sample/path") == Fields{{":path", "/sample/path"}});     // C.2.2
    CHECK(decoded("\x10\x08password\x06secret") == Fields{{"password", "secret"}});  // C.2.3
}

TEST_CASE("every byte survives Huffman coding") {
    for (int byte = 0; byte < 256; ++byte) {
        Fields fields{{"x", std::string(40, 'a') + static_cast<char>(byte) + std::string(40, 'e')}};
        Encoder encoder(0);
        INFO(byte);
        CHECK(decoded(encoder.encode(fields)) == fields);
    }
}

TEST_CASE("Huffman codes end as they must") {  // RFC 7541 §5.2
    std::string text;
    CHECK(decode_huffman("", text));
    CHECK(text.empty());
    CHECK(decode_huffman("\x1f", text));  // 'a', three bits of padding
    CHECK(text == "a");
    CHECK(!decode_huffman(bytes({0x18}), text));                    // padding of zeros
    CHECK(!decode_huffman(bytes({0x1f, 0xff}), text));              // more than seven bits of it
    CHECK(!decode_huffman(bytes({0xff, 0xff, 0xff, 0xff}), text));  // the end-of-string symbol
    CHECK(!decode_huffman(bytes({0xff}), text));
}

TEST_CASE("whatever nghttp2 encodes is decoded, for as long as a connection lives") {
    std::mt19937 random(7);
    const auto below = [&](std::size_t most) { return random() % most; };
    const std::vector<std::string> names = {":path", "accept", "cookie", "x-custom", "user-agent", "etag", "x"};
    for (int connection = 0; connection < 20; ++connection) {
        Encoder encoder;
        HpackDecoder decoder;
        for (int block = 0; block < 200; ++block) {
            if (below(20) == 0) encoder.resize(below(4'097));
            Fields fields;
            for (std::size_t count = below(8); count > 0; --count) {
                std::string value(below(10) == 0 ? below(5'000) : below(60), ' ');
                for (char& c : value) c = static_cast<char>(below(30) == 0 ? random() : 'a' + below(4));
                fields.emplace_back(names[below(names.size())], std::move(value));
            }
            const Decoded result = decode(decoder, encoder.encode(fields));
            REQUIRE(result.end == HpackDecoder::Step::End);
            REQUIRE(result.fields == fields);
        }
    }
}

TEST_CASE("what is no HPACK breaks the connection's tables") {
    CHECK(broken("\x80"));                     // §6.1: index 0
    CHECK(broken("\xbe"));                     // beyond the tables
    CHECK(broken("\x7f"));                     // an integer that is cut off
    CHECK(broken(bytes({0x82, 0x20})));        // §4.2: a new size after a field
    CHECK(broken(bytes({0x3f, 0xe2, 0x1f})));  // §4.2: 4,097 bytes
    CHECK(
        broken("\x40\x0a"
               "cust"));                                                     // a string that is cut off
    CHECK(broken(bytes({0x40, 0x01, 'x', 0x81, 0x18})));                     // Huffman with the wrong padding
    CHECK(broken(bytes({0x1f, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x00, 0x00})));  // §5.1: an endless integer
    CHECK(!broken(bytes({0x20, 0x3f, 0xe1, 0x1f, 0x82})));                   // sizes 0 and 4,096 before a field are fine
}

TEST_CASE("an entry that is larger than the table empties it") {  // RFC 7541 §4.4
    Encoder encoder;
    Fields small{{"x-small", "1"}};
    HpackDecoder decoder;
    REQUIRE(decode(decoder, encoder.encode(small)).fields == small);
    const std::string large = bytes({0x40, 0x01, 'y', 0x7f, 0x81, 0x1f}) + std::string(4'096, 'v');
    REQUIRE(decode(decoder, large).fields == Fields{{"y", std::string(4'096, 'v')}});
    CHECK(decode(decoder, "\xbe").end == HpackDecoder::Step::Broken);
}

TEST_CASE("a field may take its name from the entry that it pushes out") {  // RFC 7541 §4.4
    HpackDecoder decoder;
    const std::string name(100, 'n');
    // Size 300; one entry of 100 + 100 + 32; then one with its name, for which it must go.
    const std::string first = bytes({0x3f, 0x8d, 0x02, 0x40, 100}) + name + bytes({100}) + std::string(100, 'a');
    REQUIRE(decode(decoder, first).fields.size() == 1);
    CHECK(decode(decoder, bytes({0x7e, 120}) + std::string(120, 'b')).fields == Fields{{name, std::string(120, 'b')}});
    CHECK(decode(decoder, "\xbe").fields == Fields{{name, std::string(120, 'b')}});
}

TEST_CASE("what a field is and whether it is well-formed is remembered with it") {
    const auto facts = [](std::string_view name, std::string_view value) { return judge_field(name, value); };
    CHECK(facts("accept", "*/*").kind == known_place("accept"));
    CHECK(facts("accept", "*/*").well_formed);
    CHECK(facts("x-other", "a\tb").well_formed);
    CHECK(facts("x-other", "caf\xc3\xa9").well_formed);
    CHECK(facts(":path", "/a?b").kind == kPath);
    CHECK(facts(":authority", "example.org:443").well_formed);
    for (const auto& [name, value] : Fields{{"Accept", "x"},  // §8.2.1
                                            {"x y", "x"},
                                            {"", "x"},
                                            {"x", " x"},
                                            {"x", "x\t"},
                                            {"accept", "a\nb"},
                                            {"accept", std::string("a\0b", 3)},
                                            {"x", "\x7f"},
                                            {"connection", "close"},  // §8.2.2
                                            {"keep-alive", "5"},
                                            {"proxy-connection", "x"},
                                            {"transfer-encoding", "chunked"},
                                            {"upgrade", "h2c"},
                                            {"te", "gzip"},
                                            {":status", "200"},  // §8.3
                                            {":other", "x"},
                                            {":path", ""},
                                            {":path", "/a b"},
                                            {":method", "G T"},
                                            {":authority", "a b"}}) {
        INFO(name << ": " << value);
        CHECK(!facts(name, value).well_formed);
    }
    CHECK(facts("te", "trailers").well_formed);
}
