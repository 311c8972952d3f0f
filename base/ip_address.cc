#include "base/ip_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace selvage {
namespace {

constexpr unsigned kBits = 128, kMapped = 96;
constexpr IpAddress kMapping = IpAddress::v4(0, 0, 0, 0);

// With only the first `prefix` bits of it.
IpAddress beginning(IpAddress address, unsigned prefix) {
    for (unsigned i = 0; i < address.bytes.size(); ++i) {
        const unsigned kept = std::clamp(prefix, 8 * i, 8 * i + 8) - 8 * i;
        address.bytes[i] &= static_cast<std::uint8_t>(0xff00U >> kept);
    }
    return address;
}

std::optional<unsigned> parse_prefix(std::string_view text, unsigned most) {
    unsigned prefix = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, prefix);
    const bool plain = !text.empty() && (text.size() == 1 || text.front() != '0');
    return plain && error == std::errc{} && stop == end && prefix <= most ? std::optional(prefix) : std::nullopt;
}

}  // namespace

bool IpAddress::is_v4() const { return std::equal(bytes.begin(), bytes.begin() + kMapped / 8, kMapping.bytes.begin()); }

std::optional<IpAddress> parse_ip_address(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
    std::ranges::copy(text, terminated.begin());
    IpAddress address = kMapping;
    if (inet_pton(AF_INET, terminated.data(), &address.bytes[kMapped / 8]) == 1) return address;
    if (inet_pton(AF_INET6, terminated.data(), address.bytes.data()) == 1) return address;
    return std::nullopt;
}

std::string to_string(const IpAddress& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.is_v4()) {
        inet_ntop(AF_INET, &address.bytes[kMapped / 8], text.data(), text.size());
    } else {
        inet_ntop(AF_INET6, address.bytes.data(), text.data(), text.size());
    }
    return text.data();
}

bool Network::contains(const IpAddress& other) const {
    return address.is_v4() == other.is_v4() && beginning(other, prefix) == address;
}

Result<Network> parse_network(std::string_view text) {
    const auto bad = [&](std::string_view why) { return fail(ErrorKind::BadRequest, fmt::format("\"{}\": {}", text, why)); };
    const std::size_t slash = text.find('/');
    const auto address = parse_ip_address(text.substr(0, slash));
    if (!address) return bad("not an IP address or network; expected one such as \"10.0.0.0/8\" or \"fd00::/8\"");
    if (slash == std::string_view::npos) return Network{*address, kBits};
    // The mapped addresses in IPv6 text have a prefix of IPv6 as well.
    const bool quad = text.substr(0, slash).find(':') == std::string_view::npos;
    const auto written = parse_prefix(text.substr(slash + 1), quad ? kBits - kMapped : kBits);
    if (!written) return bad(quad ? "the prefix is not a number from 0 to 32" : "the prefix is not a number from 0 to 128");
    const Network network{beginning(*address, *written + (quad ? kMapped : 0)), *written + (quad ? kMapped : 0)};
    if (network.address == *address) return network;
    return bad(fmt::format("bits are set after the prefix; expected {} or the address alone", to_string(network)));
}

std::string to_string(const Network& network) {
    const bool quad = network.address.is_v4() && network.prefix >= kMapped;
    return fmt::format("{}/{}", to_string(network.address), network.prefix - (quad ? kMapped : 0));
}

IpAddress client_of(const IpAddress& address) { return address.is_v4() ? address : beginning(address, 64); }

}  // namespace selvage
