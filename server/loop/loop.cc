#include "server/loop/loop.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include <utility>

#include "server/loop/prompt.h"

namespace selvage::loop {

Loop::Loop() : read_buffer_(new char[kReadBuffer]), native_(new uv_loop_t), inbox_(std::make_shared<Inbox>()) {
    uv_loop_init(native_.get());
    readiness_.watch_level(uv_backend_fd(native_.get()), nested_);
    readiness_.watch(alarm_.number(), nested_);
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
    be_prompt();
    while (!stopped_) turn();
    stopped_ = false;
}

void Loop::turn() {
    readiness_.wait(may_wait() ? -1 : 0);
    uv_update_time(native_.get());
    readiness_.hand_out();
    // Zero: a timer is due, or libuv has descriptors to register or handles to close.
    if (std::exchange(nested_.due, false) || uv_backend_timeout(native_.get()) == 0) uv_run(native_.get(), UV_RUN_NOWAIT);
    deferred_.call_all();
}

// False: there is something to do at once. True: the alarm is set to libuv's next timer.
bool Loop::may_wait() {
    if (!deferred_.empty()) return false;
    const int milliseconds = uv_loop_alive(native_.get()) != 0 ? uv_backend_timeout(native_.get()) : -1;
    if (milliseconds == 0) return false;
    alarm_.set(milliseconds < 0 ? 0 : uv_now(native_.get()) + static_cast<std::uint64_t>(milliseconds));
    return true;
}

Loop::Alarm::Alarm() : timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {}

void Loop::Alarm::set(std::uint64_t due) {
    if (due == due_) return;
    due_ = due;
    constexpr std::uint64_t kSecond = 1'000;
    itimerspec when{};
    when.it_value.tv_sec = static_cast<time_t>(due / kSecond);
    when.it_value.tv_nsec = static_cast<long>(due % kSecond * 1'000'000);
    timerfd_settime(timer_.number(), TFD_TIMER_ABSTIME, &when, nullptr);
}

Inbox::Inbox() : bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Inbox::post(Task task) {
    {
        const std::lock_guard lock(mutex_);
        if (!open_) return;
        posted_.push_back(std::move(task));
        if (posted_.size() > 1) return;
    }
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
