#pragma once

#include <functional>
#include <memory>

#include "server/loop/loop.h"

namespace selvage::loop {

// Calls back on its loop whenever a descriptor is readable. The descriptor stays the caller's and outlives the Poll.
class Poll {
public:
    Poll(Loop& loop, int descriptor, std::move_only_function<void()> readable);
    ~Poll();
    Poll(const Poll&) = delete;
    Poll& operator=(const Poll&) = delete;

    void stop();  // no more calls; allowed within the callback, where dropping the Poll is not

private:
    struct Native;
    std::move_only_function<void()> readable_;
    std::unique_ptr<Native> native_;
};

// Calls back on its loop for each delivery of a signal.
class Signal {
public:
    Signal(Loop& loop, int number, std::move_only_function<void()> received);
    ~Signal();
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

private:
    struct Native;
    std::move_only_function<void()> received_;
    std::unique_ptr<Native> native_;
};

}  // namespace selvage::loop
