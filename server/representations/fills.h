#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/digest.h"
#include "server/http/counters.h"
#include "server/loop/loop.h"
#include "server/loop/operation.h"
#include "server/representations/stored.h"

namespace selvage::representations {

// Work under way for one representation. Dropping it cancels. Lives on the control loop.
class FillWork {
public:
    virtual ~FillWork() = default;
    virtual void start() = 0;
};

// Is there still somebody who wants the result? Any thread.
//
// Work that is told no may end with ErrorKind::Cancelled: should somebody have come meanwhile, it is made anew.
using Wanted = std::function<bool()>;
using Settle = std::move_only_function<void(Filled)>;

// Fills are shared: one flight per key over all loops. The first request starts it, others join; all are woken when it settles.
//
// The flights live on the control loop; requests and results travel by message.
class Fills {
public:
    // Runs on the control loop: makes the work. `settle` is called at most once, on the control loop, never inside start().
    using Make = std::move_only_function<std::unique_ptr<FillWork>(Wanted, Settle)>;

    Fills(loop::Loop& control, http::Counters& counters) : control_(control), counters_(counters) {}

    // From any loop. `done` runs on `waiter` unless the operation was dropped or withdrawn.
    [[nodiscard]] loop::Operation request(loop::Loop& waiter, const Key128& key, Make make,
                                          std::move_only_function<void(Filled)> done);

    void clear();  // on the control loop: drops all work, nobody is told

private:
    struct Waiter {
        loop::Loop* loop;
        loop::InterestPtr interest;
        std::shared_ptr<std::move_only_function<void(Filled)>> done;
    };
    // Changed on the control loop, asked on any thread.
    class Waiters {
    public:
        void add(Waiter waiter);
        std::vector<Waiter> take();
        bool wanted() const;

    private:
        mutable std::mutex mutex_;
        std::vector<Waiter> waiters_;
    };
    struct Flight {
        std::shared_ptr<Waiters> waiters = std::make_shared<Waiters>();
        std::unique_ptr<FillWork> work;
        Make again;  // of the last who joined: for work that gave up when nobody else was there
    };

    void join(const Key128& key, Make make, Waiter waiter);
    void start(const Key128& key, Flight& flight, Make make);
    void settle(Key128 key, const Filled& filled);

    loop::Loop& control_;
    http::Counters& counters_;
    std::unordered_map<Key128, Flight> flights_;
};

}  // namespace selvage::representations
