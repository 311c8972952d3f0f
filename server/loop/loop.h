#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/time.h"
#include "server/loop/buffer_pool.h"

struct uv_loop_s;
struct uv_async_s;

namespace selvage::loop {

using Task = std::move_only_function<void()>;

// Where tasks for a loop are left. Thread-safe, and it may outlive the loop: what is posted then is dropped.
class Inbox {
public:
    void post(Task task);

private:
    friend class Loop;
    std::mutex mutex_;
    std::vector<Task> posted_;
    uv_async_s* wake_ = nullptr;  // null: the loop is gone
};

// One libuv loop, run by one thread. Everything that belongs to it is made, used and dropped on that thread; post() is the only
// way in from outside.
class Loop {
public:
    Loop();
    ~Loop();  // on the loop's thread, after run() returned; everything that belongs to it is gone by then
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run();   // until stop()
    void stop();  // on the loop's thread; run() returns after the current turn

    // Runs the task on the loop's thread, in the order of posting. Thread-safe. Tasks posted after run() returned are dropped.
    void post(Task task) { inbox_->post(std::move(task)); }
    // For threads that may have something to say when the loop has gone.
    std::shared_ptr<Inbox> inbox() const { return inbox_; }

    SteadyTime now() const;                                                   // of this turn, in milliseconds: for deadlines
    static SteadyTime precise() { return std::chrono::steady_clock::now(); }  // same epoch, for durations

    BufferPool& buffers() { return buffers_; }
    std::span<char> read_buffer() { return {read_buffer_.get(), kReadBuffer}; }  // lent to one read at a time
    uv_loop_s* native() { return native_.get(); }

private:
    static constexpr std::size_t kReadBuffer = 64 * 1024;
    struct Native;

    void run_posted();

    BufferPool buffers_;
    std::unique_ptr<char[]> read_buffer_;
    std::unique_ptr<uv_loop_s> native_;
    std::unique_ptr<Native> wake_;
    std::shared_ptr<Inbox> inbox_;
};

}  // namespace selvage::loop
