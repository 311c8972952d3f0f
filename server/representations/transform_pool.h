#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/digest.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "server/http/counters.h"
#include "server/loop/loop.h"
#include "server/loop/operation.h"
#include "server/loop/timer.h"
#include "server/representations/transform_pressure.h"
#include "server/representations/transform_queue.h"
#include "transforms/worker/protocol.h"

namespace selvage::representations {

// The processes that decode untrusted bytes. One job each at a time; killed at the deadline and replaced; recycled after a number
// of jobs or bytes of memory. Lives on the control loop.
class TransformPool {
public:
    struct Options {
        std::string program;  // path of selvage-transform
        unsigned workers = 1;
        unsigned queue = 8;  // jobs waiting
        config::Image limits;
    };
    using Done = TransformQueue::Done;

    TransformPool(loop::Loop& loop, Options options, http::Counters& counters, Log& log);
    ~TransformPool();
    TransformPool(const TransformPool&) = delete;
    TransformPool& operator=(const TransformPool&) = delete;

    void start(std::move_only_function<void()> ready);  // `ready` once: the first worker has said hello
    void set_limits(const config::Image& limits);       // of jobs that begin later

    // Errors: Overloaded (the queue is full, code "overloaded"), TimedOut (queue or deadline or CPU limit, "processing_timeout"),
    // Unprocessable ("poisoned_source": it crashed workers before), Internal ("worker_crashed"), and what the worker says.
    [[nodiscard]] loop::Operation submit(TransformJob job, Done done);

    // What the workers' codecs are, as part of keys. Empty before start()'s `ready`.
    const std::string& epoch() const { return epoch_; }
    std::size_t queued() const { return queue_.size(); }
    std::size_t ready_workers() const;
    std::size_t busy_workers() const;                                // of these: at a job
    const TransformPressure& pressure() const { return pressure_; }  // any thread

private:
    using Queued = TransformQueue::Entry;
    class Worker;
    struct Crashes {
        unsigned count = 0;
        SteadyTime last;
    };

    void dispatch();
    void tick();
    void overloaded(Queued queued, std::string why);
    bool poisoned(const Sha256& content);
    void crashed(const Sha256& content);
    void said_hello(const transforms::worker::Hello& hello);

    loop::Loop& loop_;
    Options options_;
    http::Counters& counters_;
    Log& log_;
    std::string epoch_;
    std::move_only_function<void()> ready_;
    TransformQueue queue_;
    TransformPressure pressure_;
    std::unordered_map<Sha256, Crashes> crashes_;  // by content
    loop::Timer tick_;
    std::uint64_t next_id_ = 1;
    std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace selvage::representations
