#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace selvage::loop {

// What the owner of an operation still wants of it. Changed on the owner's loop alone; read by whoever does the work, possibly on
// another thread, to skip what nobody wants.
class Interest {
public:
    // Any thread.
    bool wanted() const { return left_.load(std::memory_order_relaxed) == Left::Result; }  // the result
    bool dropped() const { return left_.load(std::memory_order_relaxed) == Left::Nothing; }

    // On the owner's loop, the same thread that withdraws and drops, hence no race between the two: nothing is done for the
    // operation any more. Runs `completion` if its result is wanted, else what withdraw() left.
    template <typename Completion>
    void end(Completion&& completion) {
        if (wanted()) return std::forward<Completion>(completion)();
        if (auto over = std::exchange(over_, nullptr)) over();
    }

private:
    friend class Operation;
    enum class Left : std::uint8_t { Result, End, Nothing };

    std::atomic<Left> left_{Left::Result};
    std::move_only_function<void()> over_;
};
using InterestPtr = std::shared_ptr<Interest>;

// Something under way whose completion runs later on the owner's loop. Dropping it cancels: the completion will not run after the
// destructor. Movable, empty by default.
class Operation {
public:
    Operation() = default;
    explicit Operation(InterestPtr interest) : interest_(std::move(interest)) {}
    Operation(Operation&&) noexcept = default;
    Operation& operator=(Operation&& other) noexcept {
        if (this != &other) {
            cancel();
            interest_ = std::move(other.interest_);
        }
        return *this;
    }
    ~Operation() { cancel(); }

    void cancel() {
        const InterestPtr interest = std::move(interest_);
        if (!interest) return;
        interest->left_.store(Interest::Left::Nothing, std::memory_order_relaxed);
        interest->over_ = nullptr;
    }

    // The result is not wanted any more, only its end: what has not begun is skipped, what runs goes on, and instead of the
    // completion `over` runs when nothing is done any more; never inside this call. Not when empty.
    void withdraw(std::move_only_function<void()> over) {
        interest_->over_ = std::move(over);
        interest_->left_.store(Interest::Left::End, std::memory_order_relaxed);
    }

    explicit operator bool() const { return interest_ != nullptr; }

private:
    InterestPtr interest_;
};

}  // namespace selvage::loop
