#pragma once

#include <atomic>
#include <memory>
#include <utility>

namespace selvage::loop {

// Something under way whose completion runs later on the owner's loop. Dropping it cancels: the completion will not run after the
// destructor. Movable, empty by default.
//
// The flag is read by whoever does the work, possibly on another thread (to skip work nobody waits for), and by the completion on
// the owner's loop, the same thread that drops the operation: hence no race between the two.
class Operation {
public:
    using Flag = std::shared_ptr<std::atomic<bool>>;

    Operation() = default;
    explicit Operation(Flag cancelled) : cancelled_(std::move(cancelled)) {}
    Operation(Operation&&) noexcept = default;
    Operation& operator=(Operation&& other) noexcept {
        if (this != &other) {
            cancel();
            cancelled_ = std::move(other.cancelled_);
        }
        return *this;
    }
    ~Operation() { cancel(); }

    void cancel() {
        if (cancelled_) cancelled_->store(true, std::memory_order_relaxed);
        cancelled_.reset();
    }
    explicit operator bool() const { return cancelled_ != nullptr; }

    static Flag make_flag() { return std::make_shared<std::atomic<bool>>(false); }

private:
    Flag cancelled_;
};

}  // namespace selvage::loop
