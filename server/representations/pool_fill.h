#pragma once

#include <functional>
#include <utility>

#include "server/loop/work_pool.h"
#include "server/representations/fills.h"

namespace selvage::representations {

// A fill that is one blocking function on the work pool.
class PoolFill final : public FillWork {
public:
    PoolFill(loop::Loop& control, loop::WorkPool& pool, std::move_only_function<Filled()> work, Settle settle)
        : control_(control), pool_(pool), work_(std::move(work)), settle_(std::move(settle)) {}

    void start() override {
        operation_ = pool_.submit(control_, loop::WorkPool::Lane::Now, std::move(work_), [this](Filled filled) {
            auto settle = std::move(settle_);
            settle(std::move(filled));  // drops us
        });
    }

private:
    loop::Loop& control_;
    loop::WorkPool& pool_;
    std::move_only_function<Filled()> work_;
    Settle settle_;
    loop::Operation operation_;
};

}  // namespace selvage::representations
