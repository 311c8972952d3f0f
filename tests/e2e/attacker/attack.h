#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace attacker {

enum class Transport : std::uint8_t { Plain, PlainHttp2, Tls, TlsHttp2 };
enum class Reading : std::uint8_t { Everything, Slowly, Nothing };

// Where a connection's attack has got to; what an Attack writes with.
struct Script {
    std::string path;          // of the file to ask for
    std::uint64_t round = 0;   // how often more() was called
    std::uint32_t stream = 1;  // the next of ours
    std::mt19937_64 chance;

    std::uint32_t next_stream() { return std::exchange(stream, stream + 2); }
};

using Milliseconds = std::chrono::milliseconds;

// A way to be a nuisance, for one connection. A row of a table; main.cc tells what each is.
struct Attack {
    std::string_view name;
    Transport transport = Transport::TlsHttp2;
    // What is said first, after the preface and SETTINGS of HTTP/2.
    std::string (*begin)(Script&) = nullptr;
    // What is said whenever all before has left, and `pace` has passed.
    std::string (*more)(Script&) = nullptr;
    Milliseconds pace{0};
    Reading reading = Reading::Everything;
    // A stream that the server resets is the end, as far as this attack goes.
    bool ends_with_reset = false;
    // How it says less than its bytes do.
    enum class Manner : std::uint8_t {
        Usual,
        NoHandshake,  // the bytes are sent in the place of a TLS handshake
        NoPreface,    // nothing is said for HTTP/2
        KeyUpdates,   // asks for new TLS keys in the place of saying more
        HalfClose,    // says that it has said everything
        Stubborn,     // goes on when the server has closed
    } manner = Manner::Usual;
    std::string_view settings{};  // the payload of its SETTINGS
};

std::span<const Attack> http2_attacks();
std::span<const Attack> slow_attacks();   // that wait, or make wait
std::span<const Attack> other_attacks();  // HTTP/1, TLS, sockets
std::span<const Attack> malformed_requests();

}  // namespace attacker
