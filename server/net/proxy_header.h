#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ip_address.h"

namespace selvage::net {

// What a balancer says of its client before the first byte of the connection itself: the PROXY protocol, version 1 or 2.
//
//   v1 = "PROXY " ("TCP4" | "TCP6") " " SOURCE " " DESTINATION " " PORT " " PORT CR LF    (at most 107 bytes)
//      | "PROXY UNKNOWN" … CR LF
//   v2 = 12 bytes of signature, version and command, family and transport, 2 bytes length; addresses; TLVs (here at most 4 KiB)
//
// Bytes come in pieces of any size. Of the TLVs nothing is read, and their checksum is not verified: the network below has one,
// and whoever can change bytes can change it too. Keeps 108 bytes, allocates nothing. Source: haproxy, doc/proxy-protocol.txt
// (2020/03/05), §2.
class ProxyHeader {
public:
    enum class State : std::uint8_t { NeedsMore, Done, Malformed };

    // Takes what belongs to the header off the front of the bytes: all of them while it needs more, none after it was done.
    // Malformed is said at the first byte that cannot be right, so that whoever speaks something else is not waited for.
    State feed(std::string_view& bytes);

    // After Done: the client, or nothing when the balancer speaks for itself (LOCAL), does not know or names no IP address.
    const std::optional<IpAddress>& client() const { return client_; }

private:
    State feed_text(std::string_view& bytes);
    State feed_binary(std::string_view& bytes);
    State end_of_text();
    State end_of_head();
    void read_addresses();
    bool collect(std::string_view& bytes, std::size_t size);  // until so many are kept
    std::string_view kept() const { return {head_.data(), size_}; }

    static constexpr std::size_t kLongestText = 107;
    std::array<char, kLongestText + 1> head_{};
    std::size_t size_ = 0;     // of head_
    std::size_t skipped_ = 0;  // v2: what follows the part that is kept
    std::size_t length_ = 0;   // v2: after its first 16 bytes
    State state_ = State::NeedsMore;
    std::optional<IpAddress> client_;
};

}  // namespace selvage::net
