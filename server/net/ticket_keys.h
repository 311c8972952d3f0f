#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"

namespace selvage::net {

// The keys that session tickets are sealed with: random, never written down, shared by all loops, kept across reloads. A new one
// begins after 12 hours and is accepted for 24: a ticket lives 12 hours and can be opened as long as it lives, and who steals a
// key reads no session older than a day. Thread-safe; a lock per handshake. Source: RFC 5077 §4 and §5.5 (ticket keys), RFC 8446
// §4.6.1 (lifetime), appendix F.1.1 (forward secrecy).
class TicketKeys {
public:
    static constexpr std::chrono::hours kNewAfter{12};
    static constexpr std::chrono::hours kAcceptedFor{24};
    static constexpr std::chrono::hours kTicketLifetime{12};

    struct Key {
        std::array<unsigned char, 16> name;    // in the ticket, in clear
        std::array<unsigned char, 16> cipher;  // AES-128-CBC
        std::array<unsigned char, 32> mac;     // HMAC-SHA256
        SteadyTime born;
    };
    using Clock = std::function<SteadyTime()>;

    explicit TicketKeys(Clock clock = [] { return std::chrono::steady_clock::now(); }) : clock_(std::move(clock)) {}
    ~TicketKeys();
    TicketKeys(const TicketKeys&) = delete;
    TicketKeys& operator=(const TicketKeys&) = delete;

    // What new tickets are sealed with. Nothing when the system has no randomness: then there are no tickets.
    std::optional<Key> current();
    // What a ticket was sealed with, as long as it is accepted.
    std::optional<Key> find(std::span<const unsigned char, 16> name);

private:
    void rotate(SteadyTime now);  // the caller holds the mutex

    Clock clock_;
    std::mutex mutex_;
    std::vector<Key> keys_;  // the youngest last
};

}  // namespace selvage::net
