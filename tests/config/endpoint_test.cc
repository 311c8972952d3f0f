#include <catch2/catch.hpp>

#include "config/loader.h"

using namespace selvage;
using namespace selvage::config;

SCENARIO("an endpoint is a scheme, an address and a port") {
    CHECK(parse_endpoint("https://127.0.0.1:8443") == Endpoint{Scheme::Https, "127.0.0.1", 8443});
    CHECK(parse_endpoint("http://[::]:8080") == Endpoint{Scheme::Http, "::", 8080});
    CHECK(parse_endpoint("http://0.0.0.0:0") == Endpoint{Scheme::Http, "0.0.0.0", 0});
    THEN("without a scheme it is plain HTTP") {
        CHECK(parse_endpoint("127.0.0.1:9090") == Endpoint{Scheme::Http, "127.0.0.1", 9090});
    }
    THEN("one IPv6 address has one spelling") { CHECK(parse_endpoint("[0:0::0:1]:1")->host == "::1"); }
    THEN("what is written is read again") {
        for (const char* text : {"https://127.0.0.1:8443", "http://[::1]:80", "http://[2001:db8::1]:65535"}) {
            CHECK(to_string(parse_endpoint(text).value()) == text);
        }
    }
    THEN("anything else is refused") {
        for (const char* text : {"", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:80 ",
                                 "127.0.0.1:+80", "localhost:80", "127.1:80", "::1:80", "[]:80", "[::1:80", "[127.0.0.1]:80",
                                 "HTTPS://127.0.0.1:1", "tcp://127.0.0.1:1", "https://127.0.0.1:1/", "[fe80::1%eth0]:80"}) {
            INFO(text);
            const auto endpoint = parse_endpoint(text);
            REQUIRE_FALSE(endpoint);
            CHECK(endpoint.error().kind == ErrorKind::BadRequest);
        }
        CHECK_FALSE(parse_endpoint(std::string_view("127.0.0.1\0:80", 13)));
    }
}
