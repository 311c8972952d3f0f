#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/file_descriptor.h"
#include "base/time.h"
#include "server/loop/buffer_pool.h"
#include "server/loop/deferred.h"
#include "server/loop/page_pipe.h"
#include "server/loop/readiness.h"

struct uv_loop_s;

namespace selvage::loop {

using Task = std::move_only_function<void()>;

// Where tasks for a loop are left. Thread-safe, and it may outlive the loop: what is posted then is dropped.
class Inbox {
public:
    Inbox();
    void post(Task task);

private:
    friend class Loop;
    std::mutex mutex_;
    std::vector<Task> posted_;
    FileDescriptor bell_;  // an eventfd
    bool open_ = true;     // false: the loop is gone
};

// One loop, run by one thread: sockets by an epoll set of its own, and libuv within it for timers, signals and processes.
// Everything that belongs to it is made, used and dropped on that thread; post() is the only way in from outside.
class Loop {
public:
    Loop();
    ~Loop();  // on the loop's thread, after run() returned; everything that belongs to it is gone by then
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run();                       // until stop()
    void stop() { stopped_ = true; }  // on the loop's thread; run() returns after the current turn
    void turn();                      // waits until something happens, does what is due, returns

    // Runs the task on the loop's thread, in the order of posting. Thread-safe. Tasks posted after run() returned are dropped.
    void post(Task task) { inbox_->post(std::move(task)); }
    // For threads that may have something to say when the loop has gone.
    std::shared_ptr<Inbox> inbox() const { return inbox_; }

    SteadyTime now() const;                                                   // of this turn, in milliseconds: for deadlines
    static SteadyTime precise() { return std::chrono::steady_clock::now(); }  // same epoch, for durations

    Readiness& readiness() { return readiness_; }
    DeferredList& deferred() { return deferred_; }
    BufferPool& buffers() { return buffers_; }
    PagePipe& page_pipe() { return page_pipe_; }
    std::span<char> read_buffer() { return {read_buffer_.get(), kReadBuffer}; }  // lent to one read at a time
    uv_loop_s* native() { return native_.get(); }

private:
    // A whole TLS record, and then it is the next one's turn: with 64 KiB, eight clients that flood with large requests made a
    // ninth wait 5.9 times as long, with this 1.9.
    static constexpr std::size_t kReadBuffer = 17 * 1024;

    struct Bell final : Watcher {  // somebody has posted
        explicit Bell(Loop& owner) : loop(owner) {}
        void on_ready(std::uint32_t) override { loop.run_posted(); }
        Loop& loop;
    };
    struct Nested final : Watcher {  // libuv has something to do
        void on_ready(std::uint32_t) override { due = true; }
        bool due = false;
    };

    // libuv's next timer, kept by the kernel until another one is next. To wait with a timeout would begin and end a timer of the
    // kernel each time, 3 % of the CPU of a client that asks for one small thing after another.
    class Alarm {
    public:
        Alarm();
        int number() const { return timer_.number(); }
        void set(std::uint64_t due);  // milliseconds of the monotonic clock; 0: none

    private:
        FileDescriptor timer_;
        std::uint64_t due_ = 0;
    };

    bool may_wait();
    void run_posted();

    Readiness readiness_;
    DeferredList deferred_;
    BufferPool buffers_;
    PagePipe page_pipe_;
    std::unique_ptr<char[]> read_buffer_;
    std::unique_ptr<uv_loop_s> native_;
    std::shared_ptr<Inbox> inbox_;
    Bell bell_{*this};
    Nested nested_;
    Alarm alarm_;
    bool stopped_ = false;
};

}  // namespace selvage::loop
