#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/http2/frames.h"
#include "tests/server/http_sessions/conversation.h"

// HTTP/2 as bytes, for what a client may not send.
namespace selvage::testing {

using namespace http::h2;

inline std::string u32(std::uint32_t value) {
    std::string text(4, '\0');
    write_u32(text.data(), value);
    return text;
}

inline std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream, const std::string& payload = {}) {
    std::string bytes(kFrameHeader, '\0');
    write_frame_header(bytes.data(), payload.size(), type, flags, stream);
    return bytes + payload;
}

inline std::string settings(std::uint16_t name, std::uint32_t value) {
    return frame(FrameType::Settings, 0, 0, std::string(1, '\0') + static_cast<char>(name) + u32(value));
}

// GET https://a/ ; :authority and more fields may follow.
inline const std::string kGet =
    "\x82\x87\x84\x41\x01"
    "a";
inline const std::string kPost =
    "\x83\x87\x84\x41\x01"
    "a";

inline std::string headers(std::uint32_t stream, const std::string& block = kGet,
                           std::uint8_t flags = flag::kEndHeaders | flag::kEndStream) {
    return frame(FrameType::Headers, flags, stream, block);
}
inline std::string data(std::uint32_t stream, const std::string& payload, std::uint8_t flags = 0) {
    return frame(FrameType::Data, flags, stream, payload);
}
inline std::string window(std::uint32_t stream, std::uint32_t more) {
    return frame(FrameType::WindowUpdate, 0, stream, u32(more));
}

// A server's session, and what it has said, in frames.
struct RawServer {
    explicit RawServer(config::Config limits = {}) : talk(Conversation::Version::Http2, loop, pool, std::move(limits)) {
        talk.receive(std::string(http::kHttp2Preface) + frame(FrameType::Settings, 0, 0));
        talk.all.clear();
    }
    void hear(const std::string& bytes) { talk.receive(bytes); }

    struct Said {
        FrameHeader header;
        std::string payload;
    };
    std::vector<Said> said() const {
        std::vector<Said> frames;
        for (std::string_view rest = talk.all; rest.size() >= kFrameHeader;) {
            const FrameHeader header = read_frame_header(rest.data());
            frames.push_back({header, std::string(rest.substr(kFrameHeader, header.length))});
            rest.remove_prefix(kFrameHeader + header.length);
        }
        return frames;
    }
    // The code of the last GOAWAY.
    std::optional<ErrorCode> ended() const {
        std::optional<ErrorCode> code;
        for (const Said& one : said()) {
            if (one.header.is(FrameType::GoAway)) code = static_cast<ErrorCode>(read_u32(one.payload.data() + 4));
        }
        return code;
    }
    std::optional<ErrorCode> reset(std::uint32_t stream) const {
        for (const Said& one : said()) {
            if (one.header.is(FrameType::RstStream) && one.header.stream == stream) {
                return static_cast<ErrorCode>(read_u32(one.payload.data()));
            }
        }
        return std::nullopt;
    }
    bool answered(std::uint32_t stream) const {
        for (const Said& one : said()) {
            if (one.header.is(FrameType::Headers) && one.header.stream == stream) return true;
        }
        return false;
    }
    std::size_t body(std::uint32_t stream) const {
        std::size_t size = 0;
        for (const Said& one : said()) {
            if (one.header.is(FrameType::Data) && one.header.stream == stream) size += one.payload.size();
        }
        return size;
    }
    // After this much it must still answer.
    bool alive(std::uint32_t next) {
        hear(headers(next));
        return !ended() && answered(next) && !talk.session->finished();
    }

    loop::Loop loop;
    loop::WorkPool pool{1};
    Conversation talk;
};

// Requests that stay open.
struct RawWaiting : RawServer {
    explicit RawWaiting(config::Config limits = {}) : RawServer(std::move(limits)) {
        talk.dispatcher.reply = [this](const http::Request&) { return desk.pending(); };
    }
    Desk desk;
};

}  // namespace selvage::testing
