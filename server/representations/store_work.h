#pragma once

#include <optional>

#include "cache_store/store.h"
#include "server/loop/loop.h"
#include "server/loop/operation.h"
#include "server/loop/timer.h"
#include "server/loop/work_pool.h"

namespace selvage::representations {

// Does the store's work on the work pool: when it says that some waits, and each second. One piece at a time, so that a disk that
// stalls holds one thread. Lives on the control loop.
class StoreWork {
public:
    StoreWork(loop::Loop& control, loop::WorkPool& pool, cache_store::Store& store);
    StoreWork(const StoreWork&) = delete;
    StoreWork& operator=(const StoreWork&) = delete;

    void start();  // the first piece at once
    void set_limits(const cache_store::Limits& limits);

private:
    void begin();

    loop::Loop& control_;
    loop::WorkPool& pool_;
    cache_store::Store& store_;
    loop::Timer tick_;
    loop::Operation piece_;                      // set: a thread is at it
    std::optional<cache_store::Limits> limits_;  // to be set with the next piece
    bool again_ = false;                         // asked for while it was
};

}  // namespace selvage::representations
