#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/log.h"
#include "config/config.h"
#include "server/http/counters.h"
#include "server/loop/loop.h"
#include "server/loop/poll.h"
#include "server/loop/process.h"
#include "server/loop/timer.h"
#include "server/representations/transform_queue.h"
#include "transforms/worker/protocol.h"

namespace selvage::representations {

// One process and the batch it is at: killed when it misses a deadline, replaced whenever it ends, recycled after a number of
// jobs or bytes of memory. Lives on the control loop.
class TransformWorker {
public:
    // Who gives it work.
    class Owner {
    public:
        virtual void said_hello(const transforms::worker::Hello& hello) = 0;  // it is free now
        virtual void is_free() = 0;
        virtual void put_back(std::vector<TransformQueue::Entry> entries) = 0;  // not begun
        // The worker was lost to this source, or out of time.
        virtual void blame(const Sha256& content, const std::string& name) = 0;

    protected:
        ~Owner() = default;
    };
    struct Surroundings {
        loop::Loop& loop;
        http::Counters& counters;
        Log& log;
        const std::string& program;
        const config::Image& limits;  // read anew for each job
    };

    TransformWorker(Surroundings around, Owner& owner);
    ~TransformWorker();  // settles its jobs as Cancelled
    TransformWorker(const TransformWorker&) = delete;
    TransformWorker& operator=(const TransformWorker&) = delete;

    bool ready() const { return state_ == State::Idle || state_ == State::Busy; }
    bool idle() const { return state_ == State::Idle; }
    bool busy() const { return state_ == State::Busy; }

    // Only when idle.
    void take(TransformQueue::Batch batch);

    // Of the batch it is at; all zero when there is none.
    bool unhurried() const { return batch_.unhurried; }
    std::uint64_t memory() const { return batch_.memory; }
    std::chrono::microseconds remaining(SteadyTime now) const;  // by the estimate

private:
    using Entry = TransformQueue::Entry;
    enum class State : std::uint8_t { Down, Starting, Idle, Busy };
    enum class Blame : std::uint8_t { Nobody, Source };
    struct Source {
        Sha256 content;
        std::string name;
    };

    void spawn();
    void down(const std::string& why);
    void stop_then_spawn_in(std::chrono::milliseconds delay);
    void readable();
    void hello();
    void answered();
    void answered_again(std::uint64_t id);
    void accept(const transforms::worker::Done& done, FileDescriptor output);
    void lost_its_senses(const Error& error);
    void timer_ran();
    void exited(int status, int signal);
    void replace(const std::string& why, Blame blame);
    void out_of_time(http::LimitHit limit, const std::string& why);
    void recycle_when_due(const transforms::worker::Done& done);
    void count_limit(http::LimitHit limit);
    void restart() { stop_then_spawn_in(std::chrono::milliseconds(0)); }
    void give_up(const Error& error, Blame blame);
    void settle(Entry entry, Result<TransformResult> result);
    transforms::worker::Job message_for(TransformQueue::Batch& batch);
    transforms::worker::Limits job_limits() const;

    Surroundings around_;
    Owner& owner_;
    State state_ = State::Down;
    bool exit_expected_ = false;
    std::chrono::milliseconds backoff_;
    std::uint64_t id_ = 0;  // of the last job
    TransformQueue::Batch batch_;
    std::optional<Source> previous_;  // of the batch before; not blamed yet
    std::size_t at_ = 0;              // which entry of the batch is to be answered next
    SteadyTime begun_;
    FileDescriptor socket_;
    loop::Timer deadline_;
    std::unique_ptr<loop::Process> process_;
    std::unique_ptr<loop::Poll> poll_;
};

}  // namespace selvage::representations
