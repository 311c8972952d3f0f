#include "server/representations/niced_queue.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace selvage::representations {

namespace {

// Signals are the control loop's business.
void block_signals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

// On Linux a thread has a policy and a nice value of its own; a failure only costs politeness. Under SCHED_IDLE whoever wakes up
// runs at once; at nice 19 it may have to wait for the end of a slice.
void run_when_idle() {
    const sched_param none{};
    sched_setscheduler(0, SCHED_IDLE, &none);
    setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 19);
}

std::uint64_t sum(std::uint64_t left, std::uint64_t right) { return left > ~right ? ~std::uint64_t{0} : left + right; }

}  // namespace

NicedQueue::NicedQueue(Limits limits, Load load, http::Counters& counters, std::chrono::milliseconds window)
    : window_(window), counters_(counters), load_(std::move(load)), limits_(limits), thread_([this] {
          block_signals();
          run_when_idle();
          serve();
      }) {}

NicedQueue::~NicedQueue() {
    stop();
    thread_.join();
}

void NicedQueue::stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
}

void NicedQueue::set_limits(Limits limits) {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
}

std::size_t NicedQueue::size() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
}

bool NicedQueue::add(const Key128& key, std::uint64_t worth, Work work) {
    const std::lock_guard lock(mutex_);
    if (const auto there = waiting_.find(key); there != waiting_.end()) {
        raise_locked(there->second, worth);
        return true;
    }
    if (stopping_ || waiting_.size() >= limits_.most) {
        counters_.limit_hit(http::LimitHit::CompressionQueue);
        return false;
    }
    const Place place{worth, ++numbers_, key};
    order_.insert(place);
    waiting_.emplace(key, Waiting{place, std::move(work)});
    changed_.notify_one();
    return true;
}

void NicedQueue::raise(const Key128& key, std::uint64_t worth) {
    const std::lock_guard lock(mutex_);
    if (const auto there = waiting_.find(key); there != waiting_.end()) raise_locked(there->second, worth);
}

void NicedQueue::raise_locked(Waiting& waiting, std::uint64_t worth) {
    auto node = order_.extract(waiting.place);
    node.value().worth = waiting.place.worth = sum(waiting.place.worth, worth);
    order_.insert(std::move(node));
}

BackgroundQueue::Work NicedQueue::take_best() {
    const auto best = waiting_.find(order_.begin()->key);
    Work work = std::move(best->second.work);
    order_.erase(order_.begin());
    waiting_.erase(best);
    return work;
}

void NicedQueue::serve() {
    for (;;) {
        Work work;
        {
            std::unique_lock lock(mutex_);
            busy_ = false;
            if (!stopping_ && waiting_.empty()) {
                changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
                // What was used while there was nothing to do here says nothing of now. What is asked for together with the first
                // comes meanwhile, and is put in its order.
                load_();
                changed_.wait_for(lock, window_, [this] { return stopping_; });
                looked_ = {};
            }
            busy_ = true;
            rest(lock);
            if (stopping_) break;
            work = take_best();
        }
        work();
    }
    busy_ = false;
}

bool NicedQueue::go_on() {
    std::unique_lock lock(mutex_);
    rest(lock);
    return !stopping_;
}

void NicedQueue::rest(std::unique_lock<std::mutex>& lock) {
    if (Clock::now() - looked_ < window_) return;
    while (!stopping_ && load_() * 100 > static_cast<double>(limits_.pause_above)) {
        if (!standing_still_.exchange(true)) counters_.add(http::Counter::BackgroundPauses);
        changed_.wait_for(lock, window_, [this] { return stopping_; });
    }
    standing_still_ = false;
    looked_ = Clock::now();
}

}  // namespace selvage::representations
