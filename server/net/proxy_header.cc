#include "server/net/proxy_header.h"

#include <algorithm>
#include <charconv>

namespace selvage::net {

namespace {

constexpr std::string_view kText = "PROXY ";
constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kHead = 16;       // of version 2: the length is its end
constexpr std::size_t kMost = 4'096;    // addresses and TLVs: certificates' names and the like are some hundred bytes
constexpr std::size_t kAddresses = 36;  // two of IPv6 with their ports: the most that is read

std::uint8_t byte(std::string_view text, std::size_t at) { return static_cast<std::uint8_t>(text[at]); }

// The next word of a line, and the line without it.
std::string_view take_word(std::string_view& line) {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(line.size(), word.size() + 1));
    return word;
}

bool is_port(std::string_view text) {
    unsigned port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    return !text.empty() && (text.size() == 1 || text.front() != '0') && error == std::errc{} && stop == end && port <= 65'535;
}

// An address in the text of its own family.
std::optional<IpAddress> address_of(std::string_view text, bool v6) {
    return (text.find(':') != std::string_view::npos) == v6 ? parse_ip_address(text) : std::nullopt;
}

}  // namespace

ProxyHeader::State ProxyHeader::feed(std::string_view& bytes) {
    if (state_ != State::NeedsMore || bytes.empty()) return state_;
    const char first = size_ > 0 ? head_[0] : bytes.front();
    state_ = first == kText.front() ? feed_text(bytes) : feed_binary(bytes);
    return state_;
}

bool ProxyHeader::collect(std::string_view& bytes, std::size_t size) {
    const std::size_t taken = std::min(bytes.size(), size - std::min(size, size_));
    std::ranges::copy(bytes.substr(0, taken), head_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += taken;
    bytes.remove_prefix(taken);
    return size_ >= size;
}

ProxyHeader::State ProxyHeader::feed_text(std::string_view& bytes) {
    while (!bytes.empty()) {
        collect(bytes, size_ + 1);
        const char last = head_[size_ - 1];
        if (size_ <= kText.size() && last != kText[size_ - 1]) return State::Malformed;
        if (last == '\n') return end_of_text();
        if (size_ == kLongestText) return State::Malformed;
    }
    return State::NeedsMore;
}

ProxyHeader::State ProxyHeader::end_of_text() {
    std::string_view line = kept().substr(kText.size());
    if (!line.ends_with("\r\n")) return State::Malformed;
    line.remove_suffix(2);
    const std::string_view family = take_word(line);
    if (family == "UNKNOWN") return State::Done;  // whatever follows
    if (family != "TCP4" && family != "TCP6") return State::Malformed;
    const bool v6 = family == "TCP6";
    const auto source = address_of(take_word(line), v6), destination = address_of(take_word(line), v6);
    const std::string_view from = take_word(line), to = line;
    if (!source || !destination || !is_port(from) || !is_port(to)) return State::Malformed;
    client_ = source;
    return State::Done;
}

ProxyHeader::State ProxyHeader::feed_binary(std::string_view& bytes) {
    if (size_ < kHead) {
        const bool whole = collect(bytes, kHead);
        const std::size_t seen = std::min(size_, kSignature.size());
        if (kept().substr(0, seen) != kSignature.substr(0, seen)) return State::Malformed;
        if (!whole) return State::NeedsMore;
        if (end_of_head() == State::Malformed) return State::Malformed;
    }
    const std::size_t read = std::min(length_, kAddresses);
    if (!collect(bytes, kHead + read)) return State::NeedsMore;
    const std::size_t skipped = std::min(bytes.size(), length_ - read - skipped_);
    skipped_ += skipped;
    bytes.remove_prefix(skipped);
    if (skipped_ < length_ - read) return State::NeedsMore;
    read_addresses();
    return State::Done;
}

// What is not one of the named commands, families and transports must be refused, §2.2.
ProxyHeader::State ProxyHeader::end_of_head() {
    constexpr std::array<std::size_t, 4> kSizes = {0, 12, 36, 216};  // unspecified, IPv4, IPv6, a local socket's
    const std::uint8_t command = byte(kept(), 12), family = byte(kept(), 13) >> 4, transport = byte(kept(), 13) & 15;
    length_ = std::size_t{byte(kept(), 14)} << 8 | byte(kept(), 15);
    if (length_ > kMost || (command != 0x20 && command != 0x21)) return State::Malformed;
    if (command == 0x20) return State::NeedsMore;  // LOCAL: the rest is not looked at
    if (family >= kSizes.size() || transport > 2 || length_ < kSizes[family]) return State::Malformed;
    return State::NeedsMore;
}

// Datagrams too: a balancer that ends HTTP/3 itself has met its client there.
void ProxyHeader::read_addresses() {
    if (byte(kept(), 12) != 0x21) return;
    const std::uint8_t family = byte(kept(), 13) >> 4;
    const std::string_view addresses = kept().substr(kHead);
    if (family == 1) {
        client_ = IpAddress::v4(byte(addresses, 0), byte(addresses, 1), byte(addresses, 2), byte(addresses, 3));
    } else if (family == 2) {
        client_.emplace();
        std::ranges::transform(addresses.substr(0, 16), client_->bytes.begin(),
                               [](char c) { return static_cast<std::uint8_t>(c); });
    }
}

}  // namespace selvage::net
