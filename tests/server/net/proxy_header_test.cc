#include "server/net/proxy_header.h"

#include <catch2/catch.hpp>

#include <string>

using namespace selvage;
using net::ProxyHeader;

namespace {

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\n\r\n";

// The client that a header names, "-" for none, "malformed", or "more"; whole and byte by byte it must be the same.
std::string client_in(std::string_view header) {
    const auto said = [](const ProxyHeader& read, ProxyHeader::State state) -> std::string {
        if (state == ProxyHeader::State::NeedsMore) return "more";
        if (state == ProxyHeader::State::Malformed) return "malformed";
        return read.client() ? to_string(*read.client()) : "-";
    };
    ProxyHeader whole, split;
    std::string with_rest(header);
    with_rest += kRequest;
    std::string_view rest = with_rest;
    auto state = whole.feed(rest);
    const std::string at_once = said(whole, state);
    if (state == ProxyHeader::State::Done) CHECK(rest == kRequest);

    state = ProxyHeader::State::NeedsMore;
    for (std::size_t i = 0; i < with_rest.size() && state == ProxyHeader::State::NeedsMore; ++i) {
        std::string_view byte = std::string_view(with_rest).substr(i, 1);
        state = split.feed(byte);
        if (state == ProxyHeader::State::NeedsMore) CHECK(byte.empty());
        if (state == ProxyHeader::State::Done) CHECK(i + 1 == header.size());
    }
    CHECK(said(split, state) == at_once);
    return at_once;
}

std::string v2(unsigned char command, unsigned char family, std::string_view rest, std::size_t length = 65'536) {
    length = length == 65'536 ? rest.size() : length;
    std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
    header += {static_cast<char>(command), static_cast<char>(family), static_cast<char>(length >> 8), static_cast<char>(length)};
    return header.append(rest);
}

const std::string kIpv4("\xc0\0\2\1\xc6\x33\x64\1\x12\x34\0\x50", 12);
const std::string kIpv6 =
    std::string("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16) + std::string(16, '\1') + std::string("\x12\x34\0\x50", 4);

}  // namespace

SCENARIO("the PROXY protocol, version 1") {  // proxy-protocol.txt §2.1
    THEN("the client is the source") {
        CHECK(client_in("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n") == "192.0.2.1");
        CHECK(client_in("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n") == "2001:db8::1");
        CHECK(client_in("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 1 2\r\n") == "192.0.2.1");
    }
    THEN("the longest header is taken, and nothing longer") {
        const std::string longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        CHECK(client_in("PROXY TCP6 " + longest + " " + longest + " 65535 65535\r\n") == longest);
        CHECK(client_in("PROXY UNKNOWN " + std::string(107 - 16, 'x') + "\r\n") == "-");
        CHECK(client_in("PROXY UNKNOWN " + std::string(107 - 15, 'x') + "\r\n") == "malformed");
    }
    THEN("who is unknown is nobody, whatever follows") {
        CHECK(client_in("PROXY UNKNOWN\r\n") == "-");
        CHECK(client_in("PROXY UNKNOWN 1 2 3 4\r\n") == "-");
    }
    THEN("anything else is refused") {
        for (const std::string_view header :
             {"PROXY\r\n", "PROXY \r\n", "PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
              "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n", "PROXY TCP4 192.0.2.1  198.51.100.1 1 2\r\n",
              "PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n",
              "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n", "PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n",
              "PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 -1 2\r\n",
              "PROXY TCP4 192.0.02.1 198.51.100.1 1 2\r\n", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
              "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n", "PROXY TCP4 192.0.2.1 nowhere 1 2\r\n", "proxy UNKNOWN\r\n",
              "PROXYTCP4 192.0.2.1 198.51.100.1 1 2\r\n", "PROXY unknown\r\n"}) {
            INFO(header);
            CHECK(client_in(header) == "malformed");
        }
    }
}

SCENARIO("the PROXY protocol, version 2") {  // proxy-protocol.txt §2.2
    THEN("the client is the source") {
        CHECK(client_in(v2(0x21, 0x11, kIpv4)) == "192.0.2.1");
        CHECK(client_in(v2(0x21, 0x21, kIpv6)) == "2001:db8::1");
        CHECK(client_in(v2(0x21, 0x12, kIpv4)) == "192.0.2.1");
    }
    THEN("what follows the addresses is not looked at, up to 4 KiB in all") {
        CHECK(client_in(v2(0x21, 0x11, kIpv4 + std::string(30, '\3'))) == "192.0.2.1");
        CHECK(client_in(v2(0x21, 0x11, kIpv4 + std::string(4096 - 12, '\3'))) == "192.0.2.1");
        CHECK(client_in(v2(0x21, 0x21, kIpv6 + std::string(1000, '\3'))) == "2001:db8::1");
        CHECK(client_in(v2(0x21, 0x11, kIpv4 + std::string(4097 - 12, '\3'))) == "malformed");
    }
    THEN("who speaks for himself has no client") {
        CHECK(client_in(v2(0x20, 0x00, "")) == "-");
        CHECK(client_in(v2(0x20, 0x11, kIpv4)) == "-");
        CHECK(client_in(v2(0x20, 0xff, "anything")) == "-");
    }
    THEN("who has no address has none") {
        CHECK(client_in(v2(0x21, 0x00, "")) == "-");
        CHECK(client_in(v2(0x21, 0x31, std::string(216, 'p'))) == "-");
    }
    THEN("addresses that are cut short are refused") {
        CHECK(client_in(v2(0x21, 0x11, kIpv4.substr(1))) == "malformed");
        CHECK(client_in(v2(0x21, 0x21, kIpv6.substr(1))) == "malformed");
        CHECK(client_in(v2(0x21, 0x31, std::string(215, 'p'))) == "malformed");
    }
    THEN("what no version has is refused") {
        CHECK(client_in(v2(0x11, 0x11, kIpv4)) == "malformed");
        CHECK(client_in(v2(0x22, 0x11, kIpv4)) == "malformed");
        CHECK(client_in(v2(0x21, 0x41, kIpv4)) == "malformed");
        CHECK(client_in(v2(0x21, 0x13, kIpv4)) == "malformed");
    }
    THEN("it waits for all that was announced") { CHECK(client_in(v2(0x21, 0x11, kIpv4, 1000)) == "more"); }
}

TEST_CASE("what is no header is known at its first byte that differs") {
    const auto malformed_at = [](std::string_view said) {
        ProxyHeader header;
        for (std::size_t i = 0; i < said.size(); ++i) {
            std::string_view byte = said.substr(i, 1);
            if (header.feed(byte) == ProxyHeader::State::Malformed) return i;
        }
        return said.size();
    };
    CHECK(malformed_at("GET / HTTP/1.1") == 0);
    CHECK(malformed_at("PRI * HTTP/2.0") == 2);
    CHECK(malformed_at("\x16\x03\x01") == 0);
    CHECK(malformed_at("\r\nGET /") == 2);
}
