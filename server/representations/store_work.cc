#include "server/representations/store_work.h"

#include <utility>

namespace selvage::representations {

StoreWork::StoreWork(loop::Loop& control, loop::WorkPool& pool, cache_store::Store& store)
    : control_(control), pool_(pool), store_(store), tick_(control, [this] { begin(); }) {
    // Told by any thread, also by one of the pool that is still at work when we are gone: the loop does not run any more then,
    // and drops what is posted.
    store_.on_work([this, inbox = control.inbox()] { inbox->post([this] { begin(); }); });
}

void StoreWork::start() {
    tick_.repeat(std::chrono::seconds(1));
    begin();
}

void StoreWork::set_limits(const cache_store::Limits& limits) {
    limits_ = limits;
    begin();
}

void StoreWork::begin() {
    if (piece_) {
        again_ = true;
        return;
    }
    again_ = false;
    piece_ = pool_.submit(
        control_, loop::WorkPool::Lane::Now,
        [&store = store_, limits = std::exchange(limits_, std::nullopt)] {
            if (limits) store.set_limits(*limits);
            store.work();
            return store.work_waits();
        },
        [this](bool more) {
            piece_ = {};
            if (more || again_ || limits_) begin();
        });
}

}  // namespace selvage::representations
