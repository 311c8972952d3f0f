#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace selvage::http::h2 {

// RFC 9113 §6, RFC 9218 §7.1.
enum class FrameType : std::uint8_t {
    Data = 0x0,
    Headers = 0x1,
    Priority = 0x2,
    RstStream = 0x3,
    Settings = 0x4,
    PushPromise = 0x5,
    Ping = 0x6,
    GoAway = 0x7,
    WindowUpdate = 0x8,
    Continuation = 0x9,
    PriorityUpdate = 0x10,
};

// RFC 9113 §7.
enum class ErrorCode : std::uint32_t {
    NoError = 0x0,
    ProtocolError = 0x1,
    InternalError = 0x2,
    FlowControlError = 0x3,
    StreamClosed = 0x5,
    FrameSizeError = 0x6,
    RefusedStream = 0x7,
    Cancel = 0x8,
    CompressionError = 0x9,
    EnhanceYourCalm = 0xb,
};

// RFC 9113 §6.5.2, RFC 9218 §2.1.
enum class Setting : std::uint16_t {
    HeaderTableSize = 0x1,
    EnablePush = 0x2,
    MaxConcurrentStreams = 0x3,
    InitialWindowSize = 0x4,
    MaxFrameSize = 0x5,
    MaxHeaderListSize = 0x6,
    NoRfc7540Priorities = 0x9,
};

namespace flag {
inline constexpr std::uint8_t kEndStream = 0x1;
inline constexpr std::uint8_t kAck = 0x1;
inline constexpr std::uint8_t kEndHeaders = 0x4;
inline constexpr std::uint8_t kPadded = 0x8;
inline constexpr std::uint8_t kPriority = 0x20;
}  // namespace flag

inline constexpr std::size_t kFrameHeader = 9;
inline constexpr std::size_t kLargestFrame = 16'384;  // what we announce (by saying nothing) and never exceed: §4.2
inline constexpr std::uint32_t kStreamIds = 0x7fff'ffff;
inline constexpr std::int64_t kLargestWindow = 0x7fff'ffff;  // §6.9.1
inline constexpr std::int32_t kDefaultWindow = 65'535;       // §6.9.2

struct FrameHeader {
    std::uint32_t length = 0;
    std::uint8_t type = 0;  // may be none of FrameType
    std::uint8_t flags = 0;
    std::uint32_t stream = 0;

    bool is(FrameType wanted) const { return type == static_cast<std::uint8_t>(wanted); }
    bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

inline std::uint32_t read_u32(const char* from) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(from);
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}
inline std::uint16_t read_u16(const char* from) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(from);
    return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

inline void write_u32(char* into, std::uint32_t value) {
    into[0] = static_cast<char>(value >> 24);
    into[1] = static_cast<char>(value >> 16);
    into[2] = static_cast<char>(value >> 8);
    into[3] = static_cast<char>(value);
}

// From the 9 bytes at `from`; the reserved bit of the stream is dropped (§4.1).
inline FrameHeader read_frame_header(const char* from) {
    const std::uint32_t first = read_u32(from);
    return {.length = first >> 8,
            .type = static_cast<std::uint8_t>(first),
            .flags = static_cast<std::uint8_t>(from[4]),
            .stream = read_u32(from + 5) & kStreamIds};
}

// Into the 9 bytes at `into`.
inline void write_frame_header(char* into, std::size_t length, FrameType type, std::uint8_t flags, std::uint32_t stream) {
    write_u32(into, static_cast<std::uint32_t>(length) << 8 | static_cast<std::uint8_t>(type));
    into[4] = static_cast<char>(flags);
    write_u32(into + 5, stream);
}

// A frame whose payload is one or two 32-bit numbers: RST_STREAM, WINDOW_UPDATE, GOAWAY.
inline void append_frame(std::string& output, FrameType type, std::uint32_t stream,
                         std::initializer_list<std::uint32_t> payload) {
    char frame[kFrameHeader + 8];
    write_frame_header(frame, payload.size() * 4, type, 0, stream);
    std::size_t size = kFrameHeader;
    for (const std::uint32_t value : payload) {
        write_u32(frame + size, value);
        size += 4;
    }
    output.append(frame, size);
}

}  // namespace selvage::http::h2
