#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cache_store/store.h"
#include "server/loop/work_pool.h"
#include "server/representations/fills.h"
#include "server/representations/image_fill.h"
#include "server/representations/transform_pool.h"

namespace selvage::representations {

// Image variants, for handlers on any loop: what is in memory now, and the making of the rest on the control loop.
class Images {
public:
    Images(loop::Loop& control, loop::WorkPool& pool, cache_store::Store& store, TransformPool& transforms, Fills& fills)
        : around_{.control = control, .pool = pool, .store = store, .transforms = transforms}, fills_(fills) {}

    // What the workers' codecs are: part of every key. Set once, when the first worker has said hello.
    void set_epoch(const std::string& epoch) {
        epoch_ = epoch;
        ready_.store(true, std::memory_order_release);
    }
    bool ready() const { return ready_.load(std::memory_order_acquire); }

    // Only when ready().
    Key128 key(const Sha256& content, std::string_view recipe) const { return key_of({as_text(content), recipe, epoch_}); }

    cache_store::ObjectPtr find(const Key128& key) { return around_.store.find(key); }

    [[nodiscard]] loop::Operation make(loop::Loop& waiter, ImageTask task, std::move_only_function<void(Filled)> done) {
        const Key128 key = task.key;
        return fills_.request(
            waiter, key,
            [around = around_, task = std::move(task)](Wanted wanted, Settle settle) mutable -> std::unique_ptr<FillWork> {
                return std::make_unique<ImageFill>(around, std::move(task), std::move(wanted), std::move(settle));
            },
            std::move(done));
    }

private:
    ImageFill::Surroundings around_;
    Fills& fills_;
    std::string epoch_;  // written before ready_ is set, never after
    std::atomic<bool> ready_{false};
};

}  // namespace selvage::representations
