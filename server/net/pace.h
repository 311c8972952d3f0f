#pragma once

#include <chrono>
#include <cstddef>

namespace selvage::net {

// How much of a connection's output is committed at a time: sealed in one flush, and waiting unsent in the kernel. What is
// committed cannot be overtaken by a more urgent response; committing less costs CPU on fast ways (64 KiB at a time: 10 % of a
// 100 KB response over TLS).
//
// Every connection begins as a slow one, and is fast when the socket took 256 KiB without staying full for long: 64 KiB in 20 ms,
// 26 Mbit/s. When it does, it is slow again.
class Pace {
public:
    static constexpr std::size_t kSlow = 64 * 1024;
    static constexpr std::size_t kFast = 256 * 1024;
    static constexpr auto kStall = std::chrono::milliseconds(20);

    std::size_t flush() const { return fast_ ? kFast : kSlow; }
    // The kernel rounds up: 90 KiB were there with a limit of 64.
    std::size_t unsent() const { return fast_ ? kFast : kSlow / 2; }

    // Of a flush of so many bytes the socket took so many. True when both are others now.
    bool took(std::size_t bytes, std::size_t of);
    // It had been full, and has room again. The same.
    bool had_room_after(std::chrono::steady_clock::duration time);

private:
    bool become(bool fast);
    bool fast_ = false;
    std::size_t taken_ = 0;  // since it was full for long
};

}  // namespace selvage::net
