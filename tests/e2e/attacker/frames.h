#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

// HTTP/2 as bytes, of any kind that a peer might dare to send. RFC 9113 §4.1 and §6, RFC 7541 §6.
namespace attacker {

using FrameType = std::uint8_t;
inline constexpr FrameType kData = 0, kHeaders = 1, kPriority = 2, kReset = 3, kSettings = 4, kPing = 6, kGoAway = 7,
                           kWindowUpdate = 8, kContinuation = 9, kPriorityUpdate = 16, kUnknown = 0x77;
// Flags.
inline constexpr int kNone = 0, kEndStream = 1, kAck = 1, kEndHeaders = 4, kPadded = 8;
// Settings.
inline constexpr std::uint16_t kHeaderTableSize = 1, kInitialWindow = 4;

inline constexpr std::size_t kFrameHeader = 9;
inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

inline std::string number(std::uint64_t value, int bytes) {
    std::string text;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
    return text;
}

inline std::string frame(FrameType type, int flags, std::uint32_t stream, std::string_view payload = {}) {
    return number(payload.size(), 3) + static_cast<char>(type) + static_cast<char>(flags) + number(stream, 4) +
           std::string(payload);
}

inline std::string setting(std::uint16_t name, std::uint32_t value) { return number(name, 2) + number(value, 4); }
inline std::string window_update(std::uint32_t stream, std::uint32_t by) {
    return frame(kWindowUpdate, kNone, stream, number(by, 4));
}
inline std::string reset(std::uint32_t stream) { return frame(kReset, kNone, stream, number(8, 4)); }  // CANCEL

// An integer with so many bits in its first byte, whose other bits are `first`. RFC 7541 §5.1.
inline std::string integer(int bits, int first, std::uint64_t value) {
    const std::uint64_t most = (1U << bits) - 1;
    if (value < most) return {static_cast<char>(first | static_cast<int>(value))};
    std::string bytes{static_cast<char>(first | static_cast<int>(most))};
    for (value -= most; value >= 128; value >>= 7) bytes += static_cast<char>(0x80 | (value & 0x7f));
    return bytes + static_cast<char>(value);
}

inline std::string text(std::string_view value) { return integer(7, 0, value.size()) + std::string(value); }
inline std::string literal(std::string_view name, std::string_view value) { return '\0' + text(name) + text(value); }

// GET (or POST) of a path with further fields, as a header block. The indices are those of the static table.
inline std::string head(std::string_view path, std::initializer_list<std::pair<std::string_view, std::string_view>> fields = {},
                        std::string_view method = "GET") {
    std::string block(1, method == "GET" ? '\x82' : '\x83');
    block += "\x87\x04" + text(path) + "\x01" + text("127.0.0.1");
    for (const auto& [name, value] : fields) block += literal(name, value);
    return block;
}

inline std::string get(std::uint32_t stream, std::string_view path) {
    return frame(kHeaders, kEndHeaders | kEndStream, stream, head(path));
}

}  // namespace attacker
