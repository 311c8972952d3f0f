#include "server/http/http2/head_block.h"

#include <catch2/catch.hpp>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

using namespace selvage::http;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// A client's HPACK, by nghttp2.
class Client {
public:
    Client() { nghttp2_hd_inflate_new(&inflater_); }
    ~Client() { nghttp2_hd_inflate_del(inflater_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void announce(std::size_t table) { nghttp2_hd_inflate_change_table_size(inflater_, table); }

    Fields decode(const std::string& block) {
        Fields fields;
        const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
        std::size_t left = block.size();
        for (;;) {
            nghttp2_nv field;
            int flags = 0;
            const ssize_t taken = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
            REQUIRE(taken >= 0);
            at += taken;
            left -= static_cast<std::size_t>(taken);
            if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
                fields.emplace_back(std::string(reinterpret_cast<const char*>(field.name), field.namelen),
                                    std::string(reinterpret_cast<const char*>(field.value), field.valuelen));
            }
            if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
        }
        nghttp2_hd_inflate_end_headers(inflater_);
        return fields;
    }

private:
    nghttp2_hd_inflater* inflater_ = nullptr;
};

std::string written(const HeadBlock& head, SharedFieldTable& table) {
    std::string block(1 + head.literals().size() + head.shared().size() * kMostSharedBytes, '\0');
    char* at = table.begin(block.data());
    at = std::ranges::copy(head.literals(), at).out;
    for (const SharedField field : head.shared()) at = table.write(field, at);
    block.resize(static_cast<std::size_t>(at - block.data()));
    return block;
}

Fields sorted(Fields fields) {
    std::ranges::sort(fields);
    return fields;
}

const Fields kFields = {{"content-type", "text/css; charset=utf-8"},
                        {"etag", "\"0123456789abcdef\""},
                        {"cache-control", "public, max-age=31536000, immutable"},
                        {"last-modified", "Fri, 20 Nov 2026 10:00:00 GMT"},
                        {"x-content-type-options", "nosniff"}};

}  // namespace

SCENARIO("response heads in HPACK") {
    const HeadBlock head(kFields);
    SharedFieldTable table;
    Client client;
    THEN("a client reads what was written, and the shared fields cost a byte each from the second time on") {
        const std::string first = written(head, table);
        const std::string second = written(head, table);
        CHECK(sorted(client.decode(first)) == sorted(kFields));
        CHECK(sorted(client.decode(second)) == sorted(kFields));
        CHECK(second.size() == head.literals().size() + 3);
        const Fields other = {{"x-content-type-options", "nosniff"}, {"vary", "Accept-Encoding"}, {"etag", "\"other\""}};
        CHECK(sorted(client.decode(written(HeadBlock(other), table))) == sorted(other));
        CHECK(sorted(client.decode(written(head, table))) == sorted(kFields));
    }
    WHEN("the client wants a smaller table") {  // RFC 7541 §4.2
        client.decode(written(head, table));
        client.announce(100);
        table.limit(100);
        THEN("it is given up, announced once, and everything is still read") {
            CHECK(sorted(client.decode(written(head, table))) == sorted(kFields));
            CHECK(sorted(client.decode(written(head, table))) == sorted(kFields));
        }
    }
    WHEN("more is shared than a table holds") {
        for (int i = 0; i < 40; ++i) {
            const Fields fields = {{"x-shared-" + std::to_string(i), std::string(150, 'v')},
                                   {"x-content-type-options", "nosniff"}};
            const HeadBlock large(fields);
            CHECK(sorted(client.decode(written(large, table))) == sorted(fields));
            CHECK(sorted(client.decode(written(large, table))) == sorted(fields));
        }
    }
}

TEST_CASE("fields of one resource are not shared") {
    CHECK(share_field("etag", "\"1\"") == 0);
    CHECK(share_field("last-modified", "x") == 0);
    CHECK(share_field("x-long", std::string(300, 'x')) == 0);
    const SharedField vary = share_field("vary", "Accept");
    CHECK(vary != 0);
    CHECK(share_field("vary", "Accept") == vary);
}
