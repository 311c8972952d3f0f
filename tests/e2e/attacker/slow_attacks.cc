#include "tests/e2e/attacker/attack.h"
#include "tests/e2e/attacker/client_hello.h"
#include "tests/e2e/attacker/frames.h"

// Clients that are slow, or say nothing, and so keep what the server holds for them.
namespace attacker {
namespace {

using namespace std::chrono_literals;
using Manner = Attack::Manner;

std::string nothing(Script&) { return {}; }
std::string some_byte(Script&) { return "x"; }

std::string hello_dribble(Script& script) {
    static const std::string kHello = client_hello();
    return script.round < kHello.size() ? kHello.substr(script.round, 1) : "";
}
std::string whole_hello(Script&) { return client_hello(); }

std::string request1(Script& script) { return "GET " + script.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"; }
std::string begun_head1(Script& script) { return "GET " + script.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "; }
std::string begun_body1(Script&) { return "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"; }
std::string many_requests1(Script& script) {
    std::string bytes;
    for (int i = 0; i < 200; ++i) bytes += request1(script);
    return bytes;
}

std::string get_next(Script& script) { return get(script.next_stream(), script.path); }
std::string get_many(Script& script) {
    std::string bytes;
    for (int i = 0; i < 100; ++i) bytes += get_next(script);
    return bytes;
}
std::string get_with_windows(Script& script) { return window_update(0, 1U << 30) + get(script.next_stream(), script.path); }
std::string begun_head2(Script& script) { return frame(kHeaders, kEndStream, script.next_stream(), head(script.path)); }
std::string continued_byte(Script&) { return frame(kContinuation, kNone, 1, literal("x", "y")); }
std::string begun_frame(Script& script) { return get(script.next_stream(), script.path).substr(0, 12); }
std::string begun_body2(Script& script) {
    return frame(kHeaders, kEndHeaders, script.next_stream(), head("/", {{"content-length", "100000"}}, "POST"));
}
std::string body_byte(Script&) { return frame(kData, kNone, 1, "x"); }
std::string stream_byte(Script&) { return window_update(1, 1); }
std::string ping(Script&) { return frame(kPing, kNone, 0, "12345678"); }

const std::string kClosedWindows = setting(kInitialWindow, 0);
const std::string kOpenWindows = setting(kInitialWindow, 1U << 30);

constexpr auto kOften = 300ms;

const Attack kAttacks[] = {
    {.name = "silent", .transport = Transport::Plain, .begin = nothing},
    {.name = "silent-tls", .begin = nothing, .manner = Manner::NoHandshake},
    {.name = "slow-hello", .more = hello_dribble, .pace = kOften, .manner = Manner::NoHandshake},
    {.name = "unfinished-handshake", .begin = whole_hello, .manner = Manner::NoHandshake},
    {.name = "no-preface", .begin = nothing, .manner = Manner::NoPreface},
    {.name = "slow-head-h1", .transport = Transport::Plain, .begin = begun_head1, .more = some_byte, .pace = kOften},
    {.name = "slow-head-tls", .transport = Transport::Tls, .begin = begun_head1, .more = some_byte, .pace = kOften},
    {.name = "slow-head-h2", .begin = begun_head2, .more = continued_byte, .pace = 1'500ms},
    {.name = "slow-frame", .begin = begun_frame, .more = some_byte, .pace = 1'000ms},
    {.name = "slow-body-h1", .transport = Transport::Plain, .begin = begun_body1, .more = some_byte, .pace = kOften},
    {.name = "slow-body-h2", .begin = begun_body2, .more = body_byte, .pace = kOften, .ends_with_reset = true},
    {.name = "zero-window", .begin = get_next, .ends_with_reset = true, .settings = kClosedWindows},
    {.name = "zero-windows", .begin = get_many, .ends_with_reset = true, .settings = kClosedWindows},
    {.name = "dribbled-window",
     .begin = get_next,
     .more = stream_byte,
     .pace = kOften,
     .ends_with_reset = true,
     .settings = kClosedWindows},
    {.name = "closed-connection-window", .begin = get_next, .settings = kOpenWindows},
    {.name = "unread-h1", .transport = Transport::Plain, .begin = request1, .reading = Reading::Nothing},
    {.name = "unread-tls", .transport = Transport::Tls, .begin = request1, .reading = Reading::Nothing},
    {.name = "unread-h2", .begin = get_with_windows, .reading = Reading::Nothing, .settings = kOpenWindows},
    {.name = "unread-pipeline", .transport = Transport::Plain, .more = many_requests1, .reading = Reading::Nothing},
    {.name = "slow-reading-h1", .transport = Transport::Plain, .begin = request1, .pace = kOften, .reading = Reading::Slowly},
    {.name = "slow-reading-h2", .begin = get_with_windows, .pace = kOften, .reading = Reading::Slowly, .settings = kOpenWindows},
    {.name = "idle-h1",
     .transport = Transport::Plain,
     .begin = [](Script&) { return std::string("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"); }},
    {.name = "idle-pings", .more = ping, .pace = kOften},
};

}  // namespace

std::span<const Attack> slow_attacks() { return kAttacks; }

}  // namespace attacker
