#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/digest.h"
#include "base/file_descriptor.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "server/http/counters.h"
#include "server/loop/loop.h"
#include "server/loop/operation.h"
#include "server/loop/timer.h"
#include "server/representations/fills.h"
#include "transforms/worker/protocol.h"

namespace selvage::representations {

struct TransformJob {
    FileDescriptor source;  // sealed memory
    std::uint64_t source_size = 0;
    Sha256 content;    // names the source: what crashes workers twice is refused for a while
    std::string plan;  // canonical
    transforms::Format format = transforms::Format::Jpeg;
    unsigned quality = 0;
    Wanted wanted;  // asked while it waits and when its turn comes: a job nobody waits for is skipped
};

struct TransformResult {
    transforms::worker::Done done;
    FileDescriptor output;
};

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
    using Done = std::move_only_function<void(Result<TransformResult>)>;

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

private:
    struct Queued {
        TransformJob job;
        Done done;
        loop::InterestPtr interest;
        SteadyTime since;

        bool unwanted() const { return !interest->wanted() || (job.wanted && !job.wanted()); }
        void skip() {
            interest->end([this] { done(fail(ErrorKind::Cancelled, "nobody waits for it any more")); });
        }
    };
    class Worker;
    struct Crashes {
        unsigned count = 0;
        SteadyTime last;
    };

    void dispatch();
    void tick();
    void skip_unwanted();
    void expire_queue();
    bool poisoned(const Sha256& content);
    void crashed(const Sha256& content);
    void said_hello(const transforms::worker::Hello& hello);

    loop::Loop& loop_;
    Options options_;
    http::Counters& counters_;
    Log& log_;
    std::string epoch_;
    std::move_only_function<void()> ready_;
    std::deque<Queued> queue_;
    std::unordered_map<Sha256, Crashes> crashes_;  // by content
    loop::Timer tick_;
    std::uint64_t next_id_ = 1;
    std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace selvage::representations
