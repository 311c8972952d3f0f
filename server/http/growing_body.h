#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "server/loop/loop.h"
#include "server/loop/operation.h"

namespace selvage::http {

// A body that is sent while it is still being made. One producer, on any thread, appends pieces; any number of readers, on any
// loops, read them from the beginning, each at its own speed: a slow one holds up neither the producer nor the others.
// Thread-safe.
//
// All pieces are kept until nobody holds the body any more. Who makes it ends it, by complete() or fail().
class GrowingBody {
public:
    enum class State : std::uint8_t { Growing, Complete, Failed };

    // --- the producer
    void append(BlobPtr piece);  // not empty; not after the end
    void complete();
    void fail();  // readers get the pieces that there are, then are cut off

    // Is it read, or may it still come to that? False when readers have come and all are gone.
    bool wanted() const;
    // Fails it unless it is wanted; true when it has failed. Nobody can begin to read it then.
    bool give_up_unless_wanted();

    // --- readers
    // What who reads it holds, and hands on, in place of the body itself: it is wanted while he does. Null: it has failed.
    static std::shared_ptr<GrowingBody> reader_of(const std::shared_ptr<GrowingBody>& body);

    struct Look {
        BlobPtr piece;       // null: it is not there, yet or ever
        State state;         // of the body
        std::uint64_t size;  // bytes of all pieces that there are
    };
    Look look(std::size_t index) const;

    // Calls `more` once on `loop`, in a later turn: when look(index) has a piece or the body has ended.
    [[nodiscard]] loop::Operation wait(loop::Loop& loop, std::size_t index, std::move_only_function<void()> more);

private:
    struct Waiter {
        std::shared_ptr<loop::Inbox> inbox;
        loop::InterestPtr interest;
        std::move_only_function<void()> more;
        void wake();
    };
    void end(State state);
    static void wake(std::vector<Waiter> waiters);
    void forget_dropped();

    mutable std::mutex mutex_;
    std::deque<BlobPtr> pieces_;
    std::vector<Waiter> waiters_;  // for the next piece
    std::size_t crowd_ = 0;        // of waiters, at which those that are gone are looked for
    std::uint64_t size_ = 0;
    State state_ = State::Growing;
    bool been_read_ = false;
    std::weak_ptr<void> readers_;  // expired: there are none
};
using GrowingBodyPtr = std::shared_ptr<GrowingBody>;

}  // namespace selvage::http
