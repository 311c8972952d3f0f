#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "base/digest.h"
#include "base/time.h"
#include "cache_store/purge/purge.h"
#include "server/http/counters.h"
#include "server/loop/loop.h"
#include "server/loop/operation.h"
#include "server/loop/timer.h"
#include "server/representations/stored.h"

namespace selvage::representations {

// Work under way for one representation. Dropping it cancels. Lives on the control loop.
class FillWork {
public:
    virtual ~FillWork() = default;
    virtual void start() = 0;
};

// Who wants a result just now.
enum class Demand : std::uint8_t {
    None,        // nobody any more
    Background,  // nobody waits, but it is to be made: what is stored is stale
    Client,      // somebody waits, or reads what grows
};

// Is there still somebody who wants the result? Any thread.
//
// Work that is told no may end with ErrorKind::Cancelled: should somebody have come meanwhile, it is made anew.
class Wanted {
public:
    Wanted() = default;  // by a client, always
    template <typename Ask>
        requires std::same_as<std::invoke_result_t<const Ask&>, Demand>
    Wanted(Ask ask) : ask_(std::move(ask)) {}  // NOLINT: a question is what it is

    bool operator()() const { return demand() != Demand::None; }
    bool by_client() const { return demand() == Demand::Client; }

private:
    Demand demand() const { return ask_ ? ask_() : Demand::Client; }
    std::function<Demand()> ask_;
};

// What came of the work; on the control loop, never inside start(). Called once; or twice, when what is made can be read before
// it is whole: first with `growing` set, which is the announcement, then with the end. The end after an announcement is for those
// who come later; who reads what grows is told its end by the growing body itself, which its maker must complete or fail.
using Settle = std::move_only_function<void(Filled)>;

// The key of a flight. Who asks after a purge must not be given what was begun before it: their flights do not meet.
// `floor`: all that concerns the request and what is made for it, its source's tag too.
Key128 flight_key(const Key128& representation, const cache_store::Floor& floor);

// Fills are shared: one flight per key over all loops. The first request starts it, others join; all are woken when it settles,
// or when it announces what grows; who joins after that reads it from its beginning.
//
// The flights live on the control loop; requests and results travel by message. A failure is remembered for a second, for all: a
// source that cannot be read is not tried by every request.
class Fills {
public:
    struct Limits {
        unsigned flights = 10'000;  // at once; half of them for background work
        std::chrono::milliseconds timeout{30'000};
        std::chrono::milliseconds failure_kept{1'000};
    };

    // Runs on the control loop: makes the work.
    using Make = std::move_only_function<std::unique_ptr<FillWork>(Wanted, Settle)>;

    Fills(loop::Loop& control, http::Counters& counters);
    ~Fills();

    http::Counters& counters() { return counters_; }  // the control loop's

    void set_limits(const Limits& limits) { limits_ = limits; }  // on the control loop; of flights that begin later

    // May a flight be begun for who asks? On the control loop, and only when there is none to join.
    using Admit = std::move_only_function<Result<void>()>;

    // From any loop. `done` runs on `waiter` unless the operation was dropped or withdrawn.
    // Errors besides those of the work and of `admit`: Overloaded ("fills": too many flights), TimedOut ("fill_timeout").
    [[nodiscard]] loop::Operation request(loop::Loop& waiter, const Key128& key, Make make,
                                          std::move_only_function<void(Filled)> done, Admit admit = {});

    // From any loop: the same with nobody waiting for it. Nothing happens when it is under way, has just failed, or there are
    // many others.
    void refresh(const Key128& key, Make make);

    void clear();  // on the control loop: drops all work, nobody is told

private:
    struct Waiter {
        loop::Loop* loop;
        loop::InterestPtr interest;
        std::shared_ptr<std::move_only_function<void(Filled)>> done;
    };
    class Waiters;
    struct Flight {
        std::shared_ptr<Waiters> waiters;
        std::unique_ptr<FillWork> work;
        Make again;                // of the last who joined: for work that gave up when nobody else was there
        std::uint64_t number = 0;  // of this work: what an earlier one still says is not heard
        SteadyTime deadline;
        bool first_told = false;  // the one it was begun for: all others are told that they joined
    };
    struct Failure {
        Error error;
        SteadyTime until;
    };
    using Flights = std::unordered_map<Key128, Flight>;

    void join(const Key128& key, Make make, Waiter waiter, Admit admit);
    void join_flight(Flight& flight, Make make, Waiter waiter);
    void begin(const Key128& key, Make make);
    Flight& add_flight(const Key128& key);
    void start(const Key128& key, Flight& flight, Make make);
    void settle(const Key128& key, std::uint64_t number, Filled filled);
    void announce(Flight& flight, Filled filled);
    void tell(Flight& flight, const Filled& filled);
    void post(const Waiter& waiter, Filled filled) const;
    Flights::node_type take_out(Flights::iterator place);
    void remember(const Key128& key, const Error& error);
    const Error* remembered(const Key128& key);
    void tick();

    loop::Loop& control_;
    http::Counters& counters_;
    Limits limits_;
    Flights flights_;
    std::unordered_map<Key128, Failure> failures_;
    std::uint64_t last_number_ = 0;
    loop::Timer tick_;
};

}  // namespace selvage::representations
