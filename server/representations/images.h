#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "cache_store/store.h"
#include "server/loop/work_pool.h"
#include "server/representations/asked_widths.h"
#include "server/representations/client_misses.h"
#include "server/representations/fills.h"
#include "server/representations/image_fill.h"
#include "server/representations/reached_quality.h"
#include "server/representations/transform_pool.h"

namespace selvage::representations {

// Image variants, for handlers on any loop: what is in memory now, and the making of the rest on the control loop.
class Images {
public:
    Images(loop::Loop& control, loop::WorkPool& pool, cache_store::Store& store, TransformPool& transforms, Fills& fills)
        : around_{.control = control, .pool = pool, .store = store, .transforms = transforms, .fills = fills, .rules = rules_},
          fills_(fills) {}

    // On the control loop.
    void set_limits(const config::Image& image, const config::Limits& limits) {
        rules_.limits = image;
        rules_.budget.set_limit(image.variants_per_source);
        misses_.set_limits(image, limits);
    }

    // Might a variant be made for this client? `peer`: its address. Any thread.
    bool may_miss(std::string_view peer, SteadyTime now) const { return misses_.has_one(peer, now); }

    // What the workers' codecs are: part of every key. Set once, when the first worker has said hello.
    void set_epoch(const std::string& epoch) {
        epoch_ = epoch;
        ready_.store(true, std::memory_order_release);
    }
    bool ready() const { return ready_.load(std::memory_order_acquire); }

    const TransformPressure& pressure() const { return around_.transforms.pressure(); }

    // What is remembered of what was made, for what is made next.
    ReachedQuality& reached() { return reached_; }
    AskedWidths& widths() { return widths_; }

    // Only when ready().
    Key128 key(const Sha256& content, std::string_view recipe) const { return key_of({as_text(content), recipe, epoch_}); }

    cache_store::Found find(const Key128& key, const cache_store::Floor& floor) { return around_.store.find(key, floor); }

    // From the disk, when that needs no waiting.
    cache_store::Found fetch_now(const Key128& key, const cache_store::Floor& floor) {
        return around_.store.on_disk(key) ? around_.store.fetch_now(key, floor) : cache_store::Found{};
    }

    // From the disk, on the work pool. Null: it is not there.
    [[nodiscard]] loop::Operation fetch(loop::Loop& waiter, const Key128& key, const cache_store::Floor& floor,
                                        std::move_only_function<void(cache_store::Found)> done) {
        return around_.pool.submit(
            waiter, loop::WorkPool::Lane::Now, [&store = around_.store, key, floor] { return store.fetch(key, floor); },
            std::move(done));
    }
    bool on_disk(const Key128& key) const { return around_.store.on_disk(key); }

    // For `peer`, whose miss it is, unless it joins what is being made for somebody; empty: nobody's. Errors besides those of the
    // parts: RateLimited "rate_limited".
    [[nodiscard]] loop::Operation make(loop::Loop& waiter, ImageTask task, std::string_view peer,
                                       std::move_only_function<void(Filled)> done) {
        const Key128 key = flight_key(task.key, task.floor);
        return fills_.request(waiter, key, fill_of(std::move(task), nullptr), std::move(done),
                              [this, peer = std::string(peer)] { return take_miss(peer); });
    }

    // The same in the background, nobody being told but the log, which outlives us.
    void refresh(ImageTask task, Log& log) {
        const Key128 key = flight_key(task.key, task.floor);
        fills_.refresh(key, fill_of(std::move(task), &log));
    }

    // The birth of what is asked for now by somebody with this floor.
    std::uint64_t birth(const cache_store::Floor& floor) const {
        return std::max({around_.store.sequence(), floor.gone, floor.stale});
    }

private:
    Result<void> take_miss(const std::string& peer) {
        if (misses_.take(peer, around_.control.now())) return {};
        fills_.counters().limit_hit(http::LimitHit::ImageMisses);
        return fail(ErrorKind::RateLimited, "more than image.client_misses", "rate_limited");
    }

    Fills::Make fill_of(ImageTask task, Log* log) const {
        return
            [around = around_, task = std::move(task), log](Wanted wanted, Settle settle) mutable -> std::unique_ptr<FillWork> {
                if (log) settle = logged(*log, task.source->path, std::move(settle));
                return std::make_unique<ImageFill>(around, std::move(task), std::move(wanted), std::move(settle));
            };
    }
    static Settle logged(Log& log, std::string path, Settle settle) {
        return [&log, path = std::move(path), settle = std::move(settle)](Filled filled) mutable {
            if (!filled.object) log.info("image", "{} in the background: {}", path, filled.object.error().code);
            settle(std::move(filled));
        };
    }

    FillRules rules_;
    ClientMisses misses_;
    ImageFill::Surroundings around_;
    Fills& fills_;
    std::string epoch_;  // written before ready_ is set, never after
    std::atomic<bool> ready_{false};
    ReachedQuality reached_;
    AskedWidths widths_;
};

}  // namespace selvage::representations
