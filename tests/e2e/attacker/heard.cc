#include "tests/e2e/attacker/heard.h"

#include <array>
#include <optional>

#include "tests/e2e/attacker/frames.h"

namespace attacker {
namespace {

// RFC 9113 §7.
constexpr std::array<std::string_view, 14> kErrors = {"NO_ERROR",
                                                      "PROTOCOL_ERROR",
                                                      "INTERNAL_ERROR",
                                                      "FLOW_CONTROL_ERROR",
                                                      "SETTINGS_TIMEOUT",
                                                      "STREAM_CLOSED",
                                                      "FRAME_SIZE_ERROR",
                                                      "REFUSED_STREAM",
                                                      "CANCEL",
                                                      "COMPRESSION_ERROR",
                                                      "CONNECT_ERROR",
                                                      "ENHANCE_YOUR_CALM",
                                                      "INADEQUATE_SECURITY",
                                                      "HTTP_1_1_REQUIRED"};

std::uint64_t read(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
}

std::string error_name(std::string_view code) {
    const std::uint64_t value = read(code);
    return value < kErrors.size() ? std::string(kErrors[value]) : std::to_string(value);
}

// Three digits, of five or six bits each. RFC 7541 appendix B.
std::optional<std::string> huffman_digits(std::string_view bytes) {
    const std::uint64_t bits = read(bytes);
    std::size_t left = 8 * bytes.size();
    std::string digits;
    while (digits.size() < 3 && left >= 5) {
        if (const auto five = bits >> (left - 5) & 31; five < 3) {
            digits += static_cast<char>('0' + five);
            left -= 5;
        } else {
            if (left < 6) return std::nullopt;
            digits += static_cast<char>('3' + (bits >> (left - 6) & 63) - 0x19);
            left -= 6;
        }
    }
    return digits;
}

// The status of a header block, which it begins with. RFC 7541 appendix A.
std::string status_of(std::string_view block) {
    static constexpr std::array<std::string_view, 7> kIndexed = {"200", "204", "206", "304", "400", "404", "500"};
    while (!block.empty() && (block.front() & 0xe0) == 0x20) block.remove_prefix(1);  // a size update
    if (block.size() < 4) return "?";
    const auto first = static_cast<std::uint8_t>(block[0]), length = static_cast<std::uint8_t>(block[1]);
    if (first >= 0x88 && first <= 0x8e) return std::string(kIndexed[first - 0x88U]);
    const std::string_view value = block.substr(2, length & 0x7fU);
    return length & 0x80 ? huffman_digits(value).value_or("?") : std::string(value);
}

}  // namespace

void Heard::take(std::string_view bytes) {
    const std::size_t skipped = std::min(skip_, bytes.size());
    skip_ -= skipped;
    unread_.append(bytes.substr(skipped));
    if (!http2_) return take_text();
    std::string_view rest = unread_;
    while (rest.size() >= kFrameHeader) {
        const std::size_t size = kFrameHeader + read(rest.substr(0, 3));
        const auto type = static_cast<std::uint8_t>(rest[3]);
        if (type == kData && rest.size() < size) {
            skip_ = size - rest.size();
            rest = {};
            break;
        }
        if (rest.size() < size) break;
        take_frame(type, rest.substr(kFrameHeader, size - kFrameHeader));
        rest.remove_prefix(size);
    }
    unread_.erase(0, unread_.size() - rest.size());
}

void Heard::take_frame(std::uint8_t type, std::string_view payload) {
    if (type == kHeaders) ++words_[status_of(payload)];
    if (type == kReset) {
        reset_ = true;
        ++words_["RST_STREAM " + error_name(payload)];
    }
    if (type == kGoAway) {
        last_word_ = "GOAWAY " + error_name(payload.substr(4, 4));
        ++words_[last_word_];
    }
}

void Heard::take_text() {
    constexpr std::string_view kVersion = "HTTP/1.1 ";
    for (std::size_t at; (at = unread_.find(kVersion)) != std::string::npos && at + kVersion.size() + 3 <= unread_.size();) {
        const std::string status = unread_.substr(at + kVersion.size(), 3);
        ++words_[status];
        last_word_ = status >= "400" ? status : "";
        unread_.erase(0, at + kVersion.size() + 3);
    }
    if (unread_.size() > kVersion.size() + 3) unread_.erase(0, unread_.size() - kVersion.size() - 3);
}

}  // namespace attacker
