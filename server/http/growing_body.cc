#include "server/http/growing_body.h"

#include <algorithm>
#include <utility>

namespace selvage::http {

void GrowingBody::append(BlobPtr piece) {
    std::vector<Waiter> waiters;
    {
        const std::lock_guard lock(mutex_);
        if (state_ != State::Growing) return;
        size_ += piece->size();
        pieces_.push_back(std::move(piece));
        waiters = std::exchange(waiters_, {});
    }
    wake(std::move(waiters));
}

void GrowingBody::complete() { end(State::Complete); }

void GrowingBody::fail() { end(State::Failed); }

void GrowingBody::end(State state) {
    std::vector<Waiter> waiters;
    {
        const std::lock_guard lock(mutex_);
        if (state_ != State::Growing) return;
        state_ = state;
        waiters = std::exchange(waiters_, {});
    }
    wake(std::move(waiters));
}

bool GrowingBody::wanted() const {
    const std::lock_guard lock(mutex_);
    return !been_read_ || !readers_.expired();
}

bool GrowingBody::give_up_unless_wanted() {
    const std::lock_guard lock(mutex_);
    // Those who waited for more were readers: none of them is left to be told.
    if (state_ == State::Growing && been_read_ && readers_.expired()) state_ = State::Failed;
    return state_ == State::Failed;
}

GrowingBodyPtr GrowingBody::reader_of(const GrowingBodyPtr& body) {
    const std::lock_guard lock(body->mutex_);
    if (body->state_ == State::Failed) return nullptr;
    body->been_read_ = true;
    // All readers share one block that keeps the body; when it goes, none is left.
    std::shared_ptr<void> block = body->readers_.lock();
    if (!block) {
        block = std::make_shared<GrowingBodyPtr>(body);
        body->readers_ = block;
    }
    return {std::move(block), body.get()};
}

GrowingBody::Look GrowingBody::look(std::size_t index) const {
    const std::lock_guard lock(mutex_);
    return {.piece = index < pieces_.size() ? pieces_[index] : nullptr, .state = state_, .size = size_};
}

loop::Operation GrowingBody::wait(loop::Loop& loop, std::size_t index, std::move_only_function<void()> more) {
    auto interest = std::make_shared<loop::Interest>();
    Waiter waiter{loop.inbox(), interest, std::move(more)};
    const std::lock_guard lock(mutex_);
    if (index < pieces_.size() || state_ != State::Growing) {
        waiter.wake();
    } else {
        forget_dropped();
        waiters_.push_back(std::move(waiter));
    }
    return loop::Operation(std::move(interest));
}

// Only when they may be half of all: each of a thousand readers that leave costs a look at two.
void GrowingBody::forget_dropped() {
    constexpr std::size_t kFew = 16;
    if (waiters_.size() < std::max(crowd_, kFew)) return;
    std::erase_if(waiters_, [](const Waiter& waiter) { return waiter.interest->dropped(); });
    crowd_ = 2 * waiters_.size();
}

void GrowingBody::wake(std::vector<Waiter> waiters) {
    for (Waiter& waiter : waiters) waiter.wake();
}

void GrowingBody::Waiter::wake() {
    if (interest->dropped()) return;
    inbox->post([wanted = std::move(interest), run = std::move(more)]() mutable { wanted->end(std::move(run)); });
}

}  // namespace selvage::http
