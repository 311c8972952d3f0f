#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace attacker {

// What a server has said, as far as it tells how it took the attack: statuses, and errors of HTTP/2 by name.
class Heard {
public:
    explicit Heard(bool http2) : http2_(http2) {}

    void take(std::string_view bytes);

    // "GOAWAY ENHANCE_YOUR_CALM", "RST_STREAM CANCEL" and "200" with how many there were.
    const std::map<std::string, std::uint64_t>& words() const { return words_; }
    // The error of the last GOAWAY, or that of HTTP/1.1 with which the connection ended; empty without one.
    const std::string& last_word() const { return last_word_; }
    bool reset() const { return reset_; }

private:
    void take_frame(std::uint8_t type, std::string_view payload);
    void take_text();

    bool http2_, reset_ = false;
    std::string unread_, last_word_;
    std::size_t skip_ = 0;  // of a frame whose content says nothing
    std::map<std::string, std::uint64_t> words_;
};

}  // namespace attacker
