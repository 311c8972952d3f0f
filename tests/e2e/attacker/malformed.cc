#include <array>

#include "tests/e2e/attacker/attack.h"
#include "tests/e2e/attacker/frames.h"

// Real requests, damaged: bytes flipped, cut, doubled and inserted, as the script's chance has it.
namespace attacker {
namespace {

constexpr std::string_view kRequests1[] = {
    ("GET /small.css HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/css,*/*;q=0.1\r\n"
     "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.5\r\nCookie: a=b; c=d\r\n\r\n"),
    ("GET /medium.bin HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes=0-99,200-299,-100\r\nIf-Range: \"abc\"\r\n\r\n"),
    ("HEAD /small.css HTTP/1.1\r\nHost: 127.0.0.1\r\nIf-None-Match: \"x\", W/\"y\"\r\nIf-Modified-Since: Fri, 20 Nov 2026 "
     "10:00:00 GMT\r\n\r\n"
     "GET /none?a=%20b HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"),
    ("POST /small.css HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
     "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nTrailer: x\r\n\r\nGET /small.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    ("OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\nbodyGET http://127.0.0.1/small.css HTTP/1.0\r\n\r\n"),
};

std::string browser_requests2() {
    const std::string fields = head("/small.css", {{"accept", "text/css,*/*;q=0.1"}, {"priority", "u=1, i"}, {"cookie", "a=b"}});
    return std::string(kPreface) +
           frame(kSettings, kNone, 0, setting(kHeaderTableSize, 65'536) + setting(kInitialWindow, 6'291'456)) +
           window_update(0, 15'663'105) + frame(kHeaders, kEndHeaders | kEndStream, 1, fields) +
           frame(kHeaders, kEndHeaders | kEndStream, 3, head("/medium.bin", {{"range", "bytes=0-99"}})) +
           frame(kPriorityUpdate, kNone, 0, number(3, 4) + "u=0") + window_update(3, 100'000) + reset(3) +
           frame(kPing, kNone, 0, "12345678");
}

std::string upload_requests2() {
    return std::string(kPreface) + frame(kSettings, kNone, 0) + frame(kSettings, kAck, 0) +
           frame(kHeaders, kNone, 1, head("/small.css", {{"content-length", "5"}}, "POST")) +
           frame(kContinuation, kEndHeaders, 1, literal("te", "trailers")) + frame(kData, kPadded, 1, "\x02hello\x01\x01") +
           frame(kHeaders, kEndHeaders | kEndStream, 1, literal("x-trailer", "y")) +
           frame(kHeaders, kEndHeaders | kEndStream, 3, head("/none") + "\x40\x01z\x01w\xbe") +
           frame(kGoAway, kNone, 0, number(0, 8));
}

void damage_once(std::string& bytes, std::mt19937_64& chance) {
    const auto below = [&](std::size_t most) { return chance() % most; };
    if (bytes.empty()) return;
    const std::size_t at = below(bytes.size()), size = 1 + below(std::min<std::size_t>(bytes.size() - at, 40));
    switch (below(5)) {
        case 0:
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
            break;
        case 1:
            bytes.erase(at, size);
            break;
        case 2:
            bytes.insert(at, bytes.substr(at, size));
            break;
        case 3:
            bytes.insert(at, 1, static_cast<char>(chance()));
            break;
        default:
            bytes.resize(at);
            break;
    }
}

std::string damaged(std::string bytes, Script& script) {
    for (std::size_t changes = 1 + script.chance() % 4; changes > 0; --changes) damage_once(bytes, script.chance);
    return bytes;
}

std::string damaged1(Script& script) { return damaged(std::string(kRequests1[script.chance() % std::size(kRequests1)]), script); }
std::string damaged2(Script& script) { return damaged(script.chance() % 2 ? browser_requests2() : upload_requests2(), script); }

constexpr auto kHalfClose = Attack::Manner::HalfClose;

const Attack kAttacks[] = {
    {.name = "malformed-h1", .transport = Transport::Plain, .begin = damaged1, .manner = kHalfClose},
    {.name = "malformed-h1-tls", .transport = Transport::Tls, .begin = damaged1, .manner = kHalfClose},
    {.name = "malformed-h2", .transport = Transport::PlainHttp2, .begin = damaged2, .manner = kHalfClose},
    {.name = "malformed-h2-tls", .transport = Transport::TlsHttp2, .begin = damaged2, .manner = kHalfClose},
};

}  // namespace

std::span<const Attack> malformed_requests() { return kAttacks; }

}  // namespace attacker
