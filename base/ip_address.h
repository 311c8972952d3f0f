#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvage {

// An IPv4 or IPv6 address: 16 bytes in network order, IPv4 as ::ffff:0:0/96 (RFC 4291 §2.5.5.2), so that a client is the same
// through either family.
struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};

    static constexpr IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
        return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
    }
    static const IpAddress kLoopback;  // ::1
    bool is_v4() const;
    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

inline constexpr IpAddress IpAddress::kLoopback = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

// A strict dotted quad (four decimal numbers without leading zeros) or the text of RFC 4291 §2.2; no zone, brackets, spaces or
// port. Nothing when it is neither.
std::optional<IpAddress> parse_ip_address(std::string_view text);
std::string to_string(const IpAddress& address);  // the shortest, RFC 5952

// The addresses that begin with the same bits. IPv4 and IPv6 are apart: "::/0" has no IPv4 address in it.
struct Network {
    IpAddress address;    // its bits after the prefix are zero
    unsigned prefix = 0;  // of the 16 bytes: 96 more than is written for IPv4

    bool contains(const IpAddress& other) const;
    friend bool operator==(const Network&, const Network&) = default;
};

// "10.0.0.0/8", "fd00::/8", or one address alone. Errors: BadRequest, saying what is wrong.
Result<Network> parse_network(std::string_view text);
std::string to_string(const Network& network);  // always with its prefix

// Who is behind an address when clients are counted: an IPv4 address itself, an IPv6 address's /64, which one subscriber has
// whole (RFC 6177 §2).
IpAddress client_of(const IpAddress& address);

}  // namespace selvage
