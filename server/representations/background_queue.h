#pragma once

#include <cstdint>
#include <functional>

#include "base/digest.h"

namespace selvage::representations {

// Work that nobody waits for: what is worth most first, one at a time on one niced thread, which stands still while the server
// has its hands full. Thread-safe.
//
// Worth: bytes that the work concerns × requests that want it. It is counted as requests come, so what is asked for often
// overtakes what was asked for first. static-delivery §4.
class BackgroundQueue {
public:
    virtual ~BackgroundQueue() = default;

    using Work = std::move_only_function<void()>;

    // False: the queue is full, and nothing was taken. A key that waits already gets the worth on top of its own, and `work` is
    // dropped: true.
    virtual bool add(const Key128& key, std::uint64_t worth, Work work) = 0;

    // More worth for what waits; nothing happens when it does not.
    virtual void raise(const Key128& key, std::uint64_t worth) = 0;

    // For the work that is under way, between its steps: stands still as long as the server has its hands full. False: the
    // server stops, and the work ends without a result.
    virtual bool go_on() { return true; }

    virtual std::size_t size() const = 0;  // waiting
};

}  // namespace selvage::representations
