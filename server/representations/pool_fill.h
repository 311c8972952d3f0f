#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "server/loop/work_pool.h"
#include "server/representations/fills.h"

namespace selvage::representations {

// A fill that is one blocking function on the work pool; skipped when nobody wants it any more by its turn.
class PoolFill final : public FillWork {
public:
    using Announce = std::move_only_function<void(Filled)>;  // on the work's thread; at most once: see Settle
    using Work = std::move_only_function<Filled()>;
    using StreamingWork = std::move_only_function<Filled(const Wanted&, Announce)>;

    PoolFill(loop::Loop& control, loop::WorkPool& pool, StreamingWork work, Wanted wanted, Settle settle)
        : control_(control), pool_(pool), work_(std::move(work)), wanted_(std::move(wanted)), settle_(std::move(settle)) {}
    PoolFill(loop::Loop& control, loop::WorkPool& pool, Work work, Wanted wanted, Settle settle)
        : PoolFill(
              control, pool, [work = std::move(work)](const Wanted&, Announce&&) mutable { return work(); }, std::move(wanted),
              std::move(settle)) {}

    void start() override {
        operation_ = pool_.submit(
            control_, loop::WorkPool::Lane::Now,
            [wanted = std::move(wanted_), work = std::move(work_), announce = announce()]() mutable {
                if (!wanted()) return Filled{.object = fail(ErrorKind::Cancelled, "nobody waits for it any more")};
                return work(wanted, std::move(announce));
            },
            [this](Filled filled) {
                auto settle = std::move(settle_);
                settle(std::move(filled));  // drops us
            });
    }

private:
    // Goes the way of the result, and is there before it.
    Announce announce() {
        auto interest = std::make_shared<loop::Interest>();
        announcing_ = loop::Operation(interest);
        return [this, interest = std::move(interest), inbox = control_.inbox()](Filled filled) {
            inbox->post(
                [this, interest, filled = std::move(filled)]() mutable { interest->end([&] { settle_(std::move(filled)); }); });
        };
    }

    loop::Loop& control_;
    loop::WorkPool& pool_;
    StreamingWork work_;
    Wanted wanted_;
    Settle settle_;
    loop::Operation announcing_;
    loop::Operation operation_;
};

}  // namespace selvage::representations
