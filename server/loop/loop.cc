#include "server/loop/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#include <utility>

namespace selvage::loop {

Loop::Loop() : read_buffer_(new char[kReadBuffer]), native_(new uv_loop_t), inbox_(std::make_shared<Inbox>()) {
    uv_loop_init(native_.get());
    readiness_.watch_level(uv_backend_fd(native_.get()), nested_);
    readiness_.watch(inbox_->bell_.number(), bell_);
}

Loop::~Loop() {
    std::vector<Task> dropped;
    {
        const std::lock_guard lock(inbox_->mutex_);
        inbox_->open_ = false;
        dropped.swap(inbox_->posted_);
    }
    dropped.clear();  // may drop handles: before the last turn
    readiness_.forget(inbox_->bell_.number(), bell_);
    uv_run(native_.get(), UV_RUN_DEFAULT);  // close callbacks
    uv_loop_close(native_.get());
}

void Loop::run() {
    while (!stopped_) turn();
    stopped_ = false;
}

void Loop::turn() {
    readiness_.wait(patience());
    uv_update_time(native_.get());
    readiness_.hand_out();
    // Zero: a timer is due, or libuv has descriptors to register or handles to close.
    if (std::exchange(nested_.due, false) || uv_backend_timeout(native_.get()) == 0) uv_run(native_.get(), UV_RUN_NOWAIT);
    deferred_.call_all();
}

int Loop::patience() const {
    if (!deferred_.empty()) return 0;
    return uv_loop_alive(native_.get()) != 0 ? uv_backend_timeout(native_.get()) : -1;
}

Inbox::Inbox() : bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Inbox::post(Task task) {
    const std::lock_guard lock(mutex_);
    if (!open_) return;
    posted_.push_back(std::move(task));
    if (posted_.size() > 1) return;
    // Each write is an edge of its own: nobody has to read the counter, which lasts for 2^64 posts.
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(bell_.number(), &one, sizeof one);
}

void Loop::run_posted() {
    std::vector<Task> batch;
    {
        const std::lock_guard lock(inbox_->mutex_);
        batch.swap(inbox_->posted_);
    }
    for (Task& task : batch) task();
}

SteadyTime Loop::now() const { return SteadyTime(std::chrono::milliseconds(uv_now(native_.get()))); }

}  // namespace selvage::loop
