#include "base/ip_address.h"

#include <catch2/catch.hpp>

using namespace selvage;

namespace {

IpAddress ip(std::string_view text) {
    INFO(text);
    const auto address = parse_ip_address(text);
    REQUIRE(address);
    return *address;
}

std::string respelled(std::string_view network) {
    const auto parsed = parse_network(network);
    return parsed ? to_string(*parsed) : "";
}

}  // namespace

TEST_CASE("an address has one text") {  // RFC 5952
    CHECK(to_string(ip("192.0.2.1")) == "192.0.2.1");
    CHECK(to_string(ip("2001:DB8:0:0::01")) == "2001:db8::1");
    CHECK(to_string(ip("::")) == "::");
    CHECK(to_string(ip("::1")) == "::1");
    CHECK(to_string(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")) == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

TEST_CASE("an IPv4 address is the same through either family") {  // RFC 4291 §2.5.5.2
    CHECK(ip("::ffff:192.0.2.1") == ip("192.0.2.1"));
    CHECK(ip("::ffff:c000:201") == IpAddress::v4(192, 0, 2, 1));
    CHECK(!ip("::192.0.2.1").is_v4());
}

TEST_CASE("what only resembles an address is none") {
    for (const std::string_view text : {"",          "1",
                                        "1.2.3",     "1.2.3.4.5",
                                        "01.2.3.4",  "1.2.3.256",
                                        "0x1.2.3.4", " 1.2.3.4",
                                        "1.2.3.4 ",  "1.2.3.4:80",
                                        "127.1",     "2130706433",
                                        "[::1]",     "::1%lo",
                                        "::1::",     "1:2:3:4:5:6:7",
                                        "::g",       "1:2:3:4:5:6:7:8:9",
                                        "localhost", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255ffffffffffffffffff"}) {
        INFO(text);
        CHECK(!parse_ip_address(text));
    }
    CHECK(!parse_ip_address(std::string_view("1.2.3.4\0", 8)));
}

SCENARIO("networks") {
    THEN("they are spelled with their prefix") {
        CHECK(respelled("10.0.0.0/8") == "10.0.0.0/8");
        CHECK(respelled("0.0.0.0/0") == "0.0.0.0/0");
        CHECK(respelled("192.0.2.1") == "192.0.2.1/32");
        CHECK(respelled("FD00::/8") == "fd00::/8");
        CHECK(respelled("::1") == "::1/128");
        CHECK(respelled("::/0") == "::/0");
        CHECK(respelled("::ffff:10.0.0.0/104") == "10.0.0.0/8");
    }
    THEN("a mistake is named") {
        CHECK(parse_network("10.0.0.0/33").error().detail.ends_with("from 0 to 32"));
        CHECK(parse_network("::/129").error().detail.ends_with("from 0 to 128"));
        CHECK(parse_network("10.1.0.0/8").error().detail ==
              "\"10.1.0.0/8\": bits are set after the prefix; expected 10.0.0.0/8 or the address alone");
        for (const std::string_view text : {"", "/8", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8", "10/8", "lan"}) {
            INFO(text);
            CHECK(!parse_network(text));
        }
    }
    THEN("they contain what begins with their bits, and nothing else") {
        const Network ten = *parse_network("10.0.0.0/8"), odd = *parse_network("192.0.2.64/26"),
                      local = *parse_network("fd00::/8");
        CHECK(ten.contains(ip("10.255.0.1")));
        CHECK(!ten.contains(ip("11.0.0.1")));
        CHECK(ten.contains(ip("::ffff:10.0.0.1")));
        CHECK((odd.contains(ip("192.0.2.64")) && odd.contains(ip("192.0.2.127"))));
        CHECK((!odd.contains(ip("192.0.2.63")) && !odd.contains(ip("192.0.2.128"))));
        CHECK((local.contains(ip("fdff::1")) && !local.contains(ip("fc00::1"))));
    }
    THEN("all of one family is nothing of the other") {
        CHECK(parse_network("0.0.0.0/0")->contains(ip("8.8.8.8")));
        CHECK(!parse_network("0.0.0.0/0")->contains(ip("::1")));
        CHECK(parse_network("::/0")->contains(ip("::1")));
        CHECK(!parse_network("::/0")->contains(ip("8.8.8.8")));
    }
}

TEST_CASE("a client is an IPv4 address or an IPv6 /64") {  // protocol-and-limits §3
    CHECK(client_of(ip("192.0.2.1")) == ip("192.0.2.1"));
    CHECK(client_of(ip("192.0.2.1")) != client_of(ip("192.0.2.2")));
    CHECK(client_of(ip("2001:db8:1:2:3:4:5:6")) == ip("2001:db8:1:2::"));
    CHECK(client_of(ip("2001:db8:1:2::1")) == client_of(ip("2001:db8:1:2:ffff::")));
    CHECK(client_of(ip("2001:db8:1:2::1")) != client_of(ip("2001:db8:1:3::1")));
}
