#include "server/http/content_coding.h"

#include <catch2/catch.hpp>

#include <vector>

using namespace selvage::http;

namespace {

std::string text(std::optional<Coding> coding) {
    if (!coding) return "none";
    switch (*coding) {
        case Coding::Identity:
            return "identity";
        case Coding::Gzip:
            return "gzip";
        case Coding::Brotli:
            return "br";
        case Coding::Zstd:
            return "zstd";
    }
    return "?";
}

const std::vector<Available> kAll{{Coding::Identity, 1000}, {Coding::Gzip, 220}, {Coding::Brotli, 165}, {Coding::Zstd, 177}};

std::string chosen(std::string_view accept, const std::vector<Available>& available = kAll) {
    return text(choose_coding(parse_accept_encoding(accept), available));
}
std::string made(std::string_view accept) { return text(coding_to_make(parse_accept_encoding(accept))); }

}  // namespace

SCENARIO("the smallest of what the client takes is sent") {  // static-delivery §4
    CHECK(chosen("gzip, deflate, br, zstd") == "br");
    CHECK(chosen("gzip, zstd") == "zstd");
    CHECK(chosen("gzip") == "gzip");
    CHECK(chosen("x-gzip") == "gzip");
    CHECK(chosen("GZIP") == "gzip");
    CHECK(chosen("deflate, compress") == "identity");
    CHECK(chosen("*") == "br");
    THEN("equal sizes go by the server's order") {
        CHECK(chosen("gzip, br, zstd", {{Coding::Gzip, 5}, {Coding::Brotli, 5}, {Coding::Zstd, 5}}) == "zstd");
        CHECK(chosen("gzip, br", {{Coding::Gzip, 5}, {Coding::Brotli, 5}}) == "br");
    }
}

SCENARIO("a client without Accept-Encoding gets the bytes as they are") {
    CHECK(text(choose_coding(parse_accept_encoding(std::nullopt), kAll)) == "identity");
    CHECK(chosen("") == "identity");
    CHECK(text(coding_to_make(parse_accept_encoding(std::nullopt))) == "identity");
    Request request;
    CHECK(text(coding_to_make(accepted_codings(request))) == "identity");
}

SCENARIO("weights are the client's ranking") {  // RFC 9110 §12.5.3
    CHECK(chosen("gzip;q=1.0, br;q=0.5") == "gzip");
    CHECK(chosen("br;q=0, gzip, zstd") == "zstd");
    CHECK(chosen("gzip;q=0.5, identity;q=0.8") == "identity");
    CHECK(chosen("gzip;q=0.5, *;q=0") == "gzip");
    CHECK(chosen("gzip;q=0, *") == "br");
    CHECK(chosen("br;q=rubbish, gzip") == "gzip");
    CHECK(chosen("gzip;q=0.001") == "gzip");
}

SCENARIO("identity may be refused") {
    CHECK(chosen("identity;q=0") == "none");
    CHECK(chosen("*;q=0") == "none");
    CHECK(chosen("*;q=0, identity") == "identity");
    CHECK(chosen("identity;q=0, br", {{Coding::Identity, 1000}}) == "none");
    THEN("then a coding is made, and only when none is acceptable either there is nothing to send") {
        CHECK(made("identity;q=0, br") == "br");
        CHECK(made("identity;q=0") == "none");
        CHECK(made("*;q=0") == "none");
    }
}

SCENARIO("what is made for a client that waits") {  // static-delivery §4, first response
    CHECK(made("gzip, deflate, br, zstd") == "zstd");
    CHECK(made("gzip, br") == "br");
    CHECK(made("gzip") == "gzip");
    CHECK(made("identity") == "identity");
    CHECK(made("gzip;q=0.2, identity;q=0.5") == "identity");
}

SCENARIO("a coded form that saves little is not kept") {  // static-delivery §3
    CHECK(worth_keeping(900, 1000));
    CHECK(worth_keeping(9500, 10000));
    CHECK_FALSE(worth_keeping(9501, 10000));
    CHECK_FALSE(worth_keeping(937, 1000));
    CHECK_FALSE(worth_keeping(1000, 1000));
    CHECK_FALSE(worth_keeping(2000, 1000));
    CHECK_FALSE(worth_keeping(0, 0));
    CHECK_FALSE(worth_keeping(0, 63));
    CHECK(worth_keeping(0, 64));
}
