#include "server/loop/work_pool.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace selvage::loop {

namespace {

// Signals are the control loop's business.
void block_signals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

void lower_priority() {
    // On Linux a thread has a nice value of its own; a failure only costs politeness.
    setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 15);
}

}  // namespace

WorkPool::WorkPool(unsigned threads) {
    for (unsigned i = 0; i < threads; ++i) {
        threads_.emplace_back([this] {
            block_signals();
            serve(now_);
        });
    }
    threads_.emplace_back([this] {
        block_signals();
        lower_priority();
        serve(background_);
    });
}

WorkPool::~WorkPool() {
    for (Queue* queue : {&now_, &background_}) {
        const std::lock_guard lock(queue->mutex);
        queue->stopping = true;
        queue->ready.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
}

void WorkPool::enqueue(Lane lane, Task task) {
    Queue& queue = queue_of(lane);
    {
        const std::lock_guard lock(queue.mutex);
        queue.tasks.push_back(std::move(task));
    }
    queue.ready.notify_one();  // who wakes finds the mutex free
}

bool WorkPool::full(Lane lane) const { return queued(lane) >= kMaxQueued; }

std::size_t WorkPool::queued(Lane lane) const {
    const Queue& queue = queue_of(lane);
    const std::lock_guard lock(queue.mutex);
    return queue.tasks.size();
}

void WorkPool::serve(Queue& queue) {
    for (;;) {
        Task task;
        {
            std::unique_lock lock(queue.mutex);
            queue.ready.wait(lock, [&queue] { return queue.stopping || !queue.tasks.empty(); });
            if (queue.stopping) return;
            task = std::move(queue.tasks.front());
            queue.tasks.pop_front();
        }
        running_.fetch_add(1, std::memory_order_relaxed);
        task();
        task = nullptr;  // what it holds is dropped before it counts as done
        running_.fetch_sub(1, std::memory_order_relaxed);
    }
}

}  // namespace selvage::loop
