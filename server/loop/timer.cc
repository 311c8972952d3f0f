#include "server/loop/timer.h"

#include "server/loop/handle.h"

namespace selvage::loop {

struct Timer::Native {
    HandlePtr<uv_timer_t> handle;
};

Timer::Timer(Loop& loop, std::move_only_function<void()> callback) : callback_(std::move(callback)), native_(new Native) {
    native_->handle.reset(new uv_timer_t);
    uv_timer_init(loop.native(), native_->handle.get());
    native_->handle->data = &callback_;
}

Timer::~Timer() = default;

namespace {
void fire(uv_timer_t* handle) {
    if (handle->data) (*static_cast<std::move_only_function<void()>*>(handle->data))();
}
}  // namespace

void Timer::start(std::chrono::milliseconds delay) {
    uv_timer_start(native_->handle.get(), fire, static_cast<std::uint64_t>(delay.count()), 0);
}

void Timer::repeat(std::chrono::milliseconds interval) {
    const auto milliseconds = static_cast<std::uint64_t>(interval.count());
    uv_timer_start(native_->handle.get(), fire, milliseconds, milliseconds);
}

void Timer::stop() { uv_timer_stop(native_->handle.get()); }

bool Timer::active() const { return uv_is_active(reinterpret_cast<const uv_handle_t*>(native_->handle.get())) != 0; }

}  // namespace selvage::loop
