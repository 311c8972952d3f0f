#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "tests/e2e/attacker/attack.h"
#include "tests/e2e/attacker/heard.h"

namespace attacker {

using Clock = std::chrono::steady_clock;

struct Free {
    void operator()(SSL* tls) const { SSL_free(tls); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, Free>;
Context make_context();

// Whom to attack, and from where.
struct Target {
    std::uint16_t port = 0;
    std::uint32_t from = 0;  // an address of ours, host order; 0: any
    std::string path;
};

// One connection to the server, and the attack on it.
class Line {
public:
    Line(const Attack& attack, const Target& target, SSL_CTX* context, std::uint64_t seed);
    ~Line();
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    int socket() const { return socket_; }
    short events() const;           // what poll is to wait for
    Clock::time_point due() const;  // when more is to be said; far away when poll will tell
    void advance(bool gone);        // does what can be done now; `gone`: poll says that the other side has left
    bool ended() const { return !end_.empty(); }
    // How: "GOAWAY …", a status, "RST_STREAM …", "closed", "reset" (by TCP), "refused" (closed before it could say anything).
    const std::string& end() const { return end_; }
    double seconds() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }
    std::uint64_t sent() const { return sent_; }
    std::uint64_t received() const { return received_; }
    const Heard& heard() const { return heard_; }

private:
    bool connect();
    bool shake_hands();
    void begin();
    bool flush();
    void say_more();
    void listen(bool all);
    void end(std::string_view how);
    long write(std::string_view bytes);
    long read(char* to, std::size_t size);

    const Attack& attack_;
    Script script_;
    const int socket_;
    std::unique_ptr<SSL, Free> tls_;
    const Clock::time_point began_ = Clock::now();
    Clock::time_point next_ = began_;
    bool connected_ = false, begun_ = false, finished_ = false;
    std::string unsent_, end_;
    std::uint64_t sent_ = 0, received_ = 0;
    Heard heard_;
};

}  // namespace attacker
