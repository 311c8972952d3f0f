#pragma once

#include <functional>
#include <utility>

#include "server/loop/work_pool.h"
#include "server/representations/fills.h"

namespace selvage::representations {

// A fill that is one blocking function on the work pool; skipped when nobody wants it any more by its turn.
class PoolFill final : public FillWork {
public:
    PoolFill(loop::Loop& control, loop::WorkPool& pool, std::move_only_function<Filled()> work, Wanted wanted, Settle settle)
        : control_(control), pool_(pool), work_(std::move(work)), wanted_(std::move(wanted)), settle_(std::move(settle)) {}

    void start() override {
        operation_ = pool_.submit(
            control_, loop::WorkPool::Lane::Now,
            [wanted = std::move(wanted_), work = std::move(work_)]() mutable {
                if (!wanted()) return Filled{.object = fail(ErrorKind::Cancelled, "nobody waits for it any more")};
                return work();
            },
            [this](Filled filled) {
                auto settle = std::move(settle_);
                settle(std::move(filled));  // drops us
            });
    }

private:
    loop::Loop& control_;
    loop::WorkPool& pool_;
    std::move_only_function<Filled()> work_;
    Wanted wanted_;
    Settle settle_;
    loop::Operation operation_;
};

}  // namespace selvage::representations
