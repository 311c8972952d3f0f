#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "base/file_descriptor.h"

namespace selvage::loop {

// Whoever a descriptor belongs to.
class Watcher {
public:
    virtual void on_ready(std::uint32_t events) = 0;  // EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR; may forget anyone

protected:
    ~Watcher() = default;
};

// The descriptors of one loop that are told when they become ready (edge-triggered: once per change, so a socket costs one
// epoll_ctl in its life however often it is full or not listened to).
class Readiness {
public:
    Readiness();

    void watch(int descriptor, Watcher& watcher);
    void watch_level(int descriptor, Watcher& watcher);  // as long as it is readable
    void forget(int descriptor, Watcher& watcher);       // before it is closed; no call follows

    // Waits for events at most so many milliseconds (-1: for ever, 0: not at all).
    void wait(int milliseconds);
    void hand_out();  // those that came

private:
    void add(int descriptor, Watcher& watcher, std::uint32_t events);

    FileDescriptor epoll_;
    std::array<epoll_event, 256> events_;
    std::span<epoll_event> undelivered_;  // of the batch being handed out
};

}  // namespace selvage::loop
