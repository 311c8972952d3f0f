#include "server/loop/loop.h"

#include "server/loop/handle.h"

namespace selvage::loop {

struct Loop::Native {
    HandlePtr<uv_async_t> async;
};

Loop::Loop() : read_buffer_(new char[kReadBuffer]), native_(new uv_loop_t), wake_(new Native), inbox_(std::make_shared<Inbox>()) {
    uv_loop_init(native_.get());
    wake_->async.reset(new uv_async_t);
    wake_->async->data = this;
    uv_async_init(native_.get(), wake_->async.get(), [](uv_async_t* async) {
        if (async->data) static_cast<Loop*>(async->data)->run_posted();
    });
    inbox_->wake_ = wake_->async.get();
}

Loop::~Loop() {
    std::vector<Task> dropped;
    {
        const std::lock_guard lock(inbox_->mutex_);
        inbox_->wake_ = nullptr;
        dropped.swap(inbox_->posted_);
    }
    dropped.clear();  // may drop handles: before the last turn
    wake_->async.reset();
    uv_run(native_.get(), UV_RUN_DEFAULT);  // close callbacks
    uv_loop_close(native_.get());
}

void Loop::run() { uv_run(native_.get(), UV_RUN_DEFAULT); }

void Loop::stop() { uv_stop(native_.get()); }

void Inbox::post(Task task) {
    const std::lock_guard lock(mutex_);
    if (!wake_) return;
    posted_.push_back(std::move(task));
    if (posted_.size() == 1) uv_async_send(wake_);
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
