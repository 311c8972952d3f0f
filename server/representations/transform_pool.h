#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "server/http/counters.h"
#include "server/loop/loop.h"
#include "server/loop/operation.h"
#include "server/loop/timer.h"
#include "server/representations/poison_list.h"
#include "server/representations/transform_pressure.h"
#include "server/representations/transform_queue.h"
#include "server/representations/transform_worker.h"

namespace selvage::representations {

// The processes that decode untrusted bytes, and the jobs that wait for them. Lives on the control loop.
//
// Of several processes one is left to what is cheap and somebody waits for: neither expensive jobs nor those of the background
// take the last. What runs takes no more memory together than the budget, by estimate; one job alone always may run.
class TransformPool final : private TransformWorker::Owner {
public:
    struct Options {
        std::string program;  // path of selvage-transform
        unsigned workers = 1;
        unsigned queue = 0;        // cheap jobs waiting, and as many of the background; 0: by their number and their cost
        unsigned heavy_queue = 0;  // expensive jobs waiting; 0: 1 per worker
        config::Image limits;
    };
    using Done = TransformQueue::Done;

    TransformPool(loop::Loop& loop, Options options, http::Counters& counters, Log& log);
    ~TransformPool();
    TransformPool(const TransformPool&) = delete;
    TransformPool& operator=(const TransformPool&) = delete;

    void start(std::move_only_function<void()> ready);  // `ready` once: the first worker has said hello
    void set_limits(const config::Image& limits);       // of jobs that begin later

    // Errors: Overloaded (its queue is full, or it waited too long; code "overloaded"), TimedOut (deadline or CPU limit,
    // "processing_timeout"), Unprocessable ("poisoned_source": it crashed workers before), Internal ("worker_crashed"), and what
    // the worker says.
    [[nodiscard]] loop::Operation submit(TransformJob job, Done done);

    // What the workers' codecs are, as part of keys. Empty before start()'s `ready`.
    const std::string& epoch() const { return epoch_; }
    std::size_t queued() const { return queue_.size(); }
    std::size_t queued(Lane lane) const { return queue_.size(lane); }
    std::size_t ready_workers() const;
    std::size_t busy_workers() const;                                // of these: at a job
    std::uint64_t memory() const;                                    // of all that runs, by estimate
    const TransformPressure& pressure() const { return pressure_; }  // any thread

private:
    using Queued = TransformQueue::Entry;

    void said_hello(const transforms::worker::Hello& hello) override;
    void is_free() override { dispatch(); }
    void put_back(std::vector<Queued> entries) override;
    void blame(const Sha256& content, const std::string& name) override;

    void dispatch();
    void give(TransformWorker& worker, TransformQueue::Batch batch);
    TransformQueue::Room room() const;
    void tell_pressure();
    void tick();
    http::LimitHit bound_of(const TransformJob& job) const;
    void overloaded(Queued queued, std::string why);

    loop::Loop& loop_;
    Options options_;
    std::uint64_t half_of_memory_;
    http::Counters& counters_;
    Log& log_;
    std::string epoch_;
    std::move_only_function<void()> ready_;
    TransformQueue queue_;
    TransformPressure pressure_;
    PoisonList poisons_;
    loop::Timer tick_;
    loop::Timer gathered_;  // when the next of those is ready that wait for others of their source
    std::vector<std::unique_ptr<TransformWorker>> workers_;
};

}  // namespace selvage::representations
