// parse_endpoint and its inverse, of config/loader.h.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

#include "config/loader.h"

namespace selvage::config {
namespace {

// The address in its shortest spelling, so that one address has one text; nothing when it is none.
std::optional<std::string> canonical_address(int family, const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    std::array<char, INET6_ADDRSTRLEN> spelled{};
    if (text.find('\0') != std::string::npos || inet_pton(family, text.c_str(), address.data()) != 1) return std::nullopt;
    if (inet_ntop(family, address.data(), spelled.data(), spelled.size()) == nullptr) return std::nullopt;
    return spelled.data();
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return port;
}

std::unexpected<Error> bad_endpoint(std::string_view text, std::string_view why) {
    return fail(ErrorKind::BadRequest,
                fmt::format("\"{}\": {}; expected https://ADDRESS:PORT or http://ADDRESS:PORT, such as https://127.0.0.1:8443 or "
                            "http://[::]:8080",
                            text, why));
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
    Endpoint endpoint;
    std::string_view rest = text;
    if (rest.starts_with("https://")) {
        endpoint.scheme = Scheme::Https;
        rest.remove_prefix(8);
    } else if (rest.starts_with("http://")) {
        rest.remove_prefix(7);
    }
    const std::size_t colon = rest.rfind(':');
    if (colon == std::string_view::npos) return bad_endpoint(text, "no port");
    const auto port = parse_port(rest.substr(colon + 1));
    if (!port) return bad_endpoint(text, "the port is not a number from 0 to 65535");
    endpoint.port = *port;

    std::string_view host = rest.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    auto address = canonical_address(bracketed ? AF_INET6 : AF_INET, std::string(host));
    if (!address) return bad_endpoint(text, "not an IP address");
    endpoint.host = *std::move(address);
    return endpoint;
}

std::string to_string(const Endpoint& endpoint) {
    const bool ipv6 = endpoint.host.find(':') != std::string::npos;
    return fmt::format("{}://{}{}{}:{}", endpoint.scheme == Scheme::Https ? "https" : "http", ipv6 ? "[" : "", endpoint.host,
                       ipv6 ? "]" : "", endpoint.port);
}

}  // namespace selvage::config
