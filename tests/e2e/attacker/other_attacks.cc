#include "tests/e2e/attacker/attack.h"

// HTTP/1, TLS and sockets.
namespace attacker {
namespace {

using Manner = Attack::Manner;

std::string request(std::string_view path, std::string_view fields) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + std::string(fields) + "\r\n";
}

std::string repeated(int count, std::string_view piece) {
    std::string bytes;
    for (int i = 0; i < count; ++i) bytes += piece;
    return bytes;
}

std::string large_field(Script& script) { return request(script.path, "X: " + std::string(60'000, 'y') + "\r\n"); }
std::string many_fields(Script& script) { return request(script.path, repeated(2'000, "X: y\r\n")); }
std::string many_cookies(Script& script) { return request(script.path, repeated(2'000, "Cookie: c=d\r\n")); }
std::string long_line(Script&) { return request("/" + std::string(60'000, 'a'), ""); }

// Overlapping: who sends each of them as it is asked for multiplies the file by 200. RFC 9110 §14.2.
std::string many_ranges(Script& script) {
    std::string value = "Range: bytes=0-";
    for (int i = 1; i < 200; ++i) value += "," + std::to_string(i) + "-";
    return request(script.path, value + "\r\n");
}

// As many as are parsed, far enough from each other that none can be joined.
std::string allowed_ranges(Script& script) {
    std::string value = "Range: bytes=0-0";
    for (int i = 1; i < 30; ++i) value += "," + std::to_string(1'000 * i) + "-" + std::to_string(1'000 * i);
    return request(script.path, value + "\r\n");
}

std::string nothing(Script&) { return {}; }

const Attack kAttacks[] = {
    {.name = "large-fields-h1", .transport = Transport::Plain, .more = large_field},
    {.name = "many-fields-h1", .transport = Transport::Plain, .more = many_fields},
    {.name = "cookie-bomb-h1", .transport = Transport::Plain, .more = many_cookies},
    {.name = "long-line", .transport = Transport::Plain, .more = long_line},
    {.name = "ranges", .transport = Transport::Plain, .more = many_ranges, .pace = Milliseconds{5}},
    {.name = "allowed-ranges", .transport = Transport::Plain, .more = allowed_ranges, .pace = Milliseconds{1}},
    {.name = "key-updates", .more = nothing, .manner = Manner::KeyUpdates},
    {.name = "connections", .transport = Transport::Plain, .begin = nothing},
    {.name = "handshakes", .begin = nothing, .manner = Manner::HalfClose},
};

}  // namespace

std::span<const Attack> other_attacks() { return kAttacks; }

}  // namespace attacker
