#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "server/loop/loop.h"
#include "server/loop/operation.h"

namespace selvage::loop {

// Threads for what may block or take long: disk reads, hashing, encoding. Two lanes that never wait for each other.
class WorkPool {
public:
    enum class Lane {
        Now,         // somebody waits
        Background,  // one niced thread: better codings, stored while nobody waits
    };
    static constexpr std::size_t kMaxQueued = 10'000;  // per lane

    explicit WorkPool(unsigned threads);
    ~WorkPool();  // waits for what runs, drops what is queued
    WorkPool(const WorkPool&) = delete;
    WorkPool& operator=(const WorkPool&) = delete;

    // Runs work() on a thread of the lane, then done(result) on `loop`, unless the operation was dropped before.
    // The loop may go before the pool: the completion is then dropped. Work whose result nobody wants any more is skipped when it
    // has not begun.
    template <typename Work, typename Done>
    [[nodiscard]] Operation submit(Loop& loop, Lane lane, Work work, Done done) {
        auto interest = std::make_shared<Interest>();
        enqueue(lane, [inbox = loop.inbox(), interest, work = std::move(work), done = std::move(done)]() mutable {
            if (interest->dropped()) return;
            if (!interest->wanted()) return inbox->post([interest] { interest->end([] {}); });
            inbox->post([interest, result = work(), done = std::move(done)]() mutable {
                interest->end([&] { done(std::move(result)); });
            });
        });
        return Operation(std::move(interest));
    }

    // Runs it with nobody waiting for the end.
    void detach(Lane lane, Task work) { enqueue(lane, std::move(work)); }

    // True when new work should be refused (Overloaded).
    bool full(Lane lane) const;
    std::size_t queued(Lane lane) const;

    bool busy() const { return running_.load(std::memory_order_relaxed) != 0; }  // is a thread within a task?

private:
    struct Queue {
        mutable std::mutex mutex;
        std::condition_variable ready;
        std::deque<Task> tasks;
        bool stopping = false;
    };

    void enqueue(Lane lane, Task task);
    void serve(Queue& queue);
    Queue& queue_of(Lane lane) { return lane == Lane::Now ? now_ : background_; }
    const Queue& queue_of(Lane lane) const { return lane == Lane::Now ? now_ : background_; }

    Queue now_;
    Queue background_;
    std::atomic<unsigned> running_{0};
    std::vector<std::thread> threads_;
};

}  // namespace selvage::loop
