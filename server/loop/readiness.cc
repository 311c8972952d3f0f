#include "server/loop/readiness.h"

#include <algorithm>

#include "server/loop/system_calls.h"

namespace selvage::loop {

Readiness::Readiness() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

void Readiness::watch(int descriptor, Watcher& watcher) { add(descriptor, watcher, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET); }

void Readiness::watch_level(int descriptor, Watcher& watcher) { add(descriptor, watcher, EPOLLIN); }

void Readiness::add(int descriptor, Watcher& watcher, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.ptr = &watcher}};
    epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor, &event);
}

// Closing alone would not do: a child between fork and exec still holds the descriptor, and the kernel would go on telling.
void Readiness::forget(int descriptor, Watcher& watcher) {
    epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, descriptor, nullptr);
    for (epoll_event& event : undelivered_) {
        if (event.data.ptr == &watcher) event.data.ptr = nullptr;
    }
}

void Readiness::wait(int milliseconds) {
    const int count = raw_wait(epoll_.number(), events_.data(), static_cast<int>(events_.size()), milliseconds);
    undelivered_ = std::span(events_).first(static_cast<std::size_t>(std::max(count, 0)));
}

void Readiness::hand_out() {
    while (!undelivered_.empty()) {
        const epoll_event event = undelivered_.front();
        undelivered_ = undelivered_.subspan(1);
        if (event.data.ptr) static_cast<Watcher*>(event.data.ptr)->on_ready(event.events);
    }
}

}  // namespace selvage::loop
