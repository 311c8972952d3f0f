#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "server/loop/loop.h"

namespace selvage::loop {

// Calls back on its loop after a delay, once or repeatedly. Dropping or stopping it ends that.
class Timer {
public:
    Timer(Loop& loop, std::move_only_function<void()> callback);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    void start(std::chrono::milliseconds delay);  // restarts when running
    void repeat(std::chrono::milliseconds interval);
    void stop();
    bool active() const;

private:
    struct Native;
    std::move_only_function<void()> callback_;
    std::unique_ptr<Native> native_;
};

}  // namespace selvage::loop
