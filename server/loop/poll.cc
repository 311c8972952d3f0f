#include "server/loop/poll.h"

#include "server/loop/handle.h"

namespace selvage::loop {

struct Poll::Native {
    HandlePtr<uv_poll_t> handle;
};

Poll::Poll(Loop& loop, int descriptor, std::move_only_function<void()> readable)
    : readable_(std::move(readable)), native_(new Native) {
    native_->handle.reset(new uv_poll_t);
    uv_poll_init(loop.native(), native_->handle.get(), descriptor);
    native_->handle->data = &readable_;
    uv_poll_start(native_->handle.get(), UV_READABLE, [](uv_poll_t* handle, int, int) {
        if (handle->data) (*static_cast<std::move_only_function<void()>*>(handle->data))();
    });
}

Poll::~Poll() = default;

void Poll::stop() { uv_poll_stop(native_->handle.get()); }

struct Signal::Native {
    HandlePtr<uv_signal_t> handle;
};

Signal::Signal(Loop& loop, int number, std::move_only_function<void()> received)
    : received_(std::move(received)), native_(new Native) {
    native_->handle.reset(new uv_signal_t);
    uv_signal_init(loop.native(), native_->handle.get());
    native_->handle->data = &received_;
    uv_signal_start(
        native_->handle.get(),
        [](uv_signal_t* handle, int) {
            if (handle->data) (*static_cast<std::move_only_function<void()>*>(handle->data))();
        },
        number);
}

Signal::~Signal() = default;

}  // namespace selvage::loop
