#include "server/representations/fills.h"

#include <algorithm>

namespace selvage::representations {

loop::Operation Fills::request(loop::Loop& waiter, const Key128& key, Make make, std::move_only_function<void(Filled)> done) {
    loop::Operation::Flag cancelled = loop::Operation::make_flag();
    // shared: the message may be dropped with its loop, and the completion belongs to the waiter's thread either way
    auto completion = std::make_shared<std::move_only_function<void(Filled)>>(std::move(done));
    control_.post([this, key, make = std::move(make), entry = Waiter{&waiter, cancelled, std::move(completion)}]() mutable {
        join(key, std::move(make), std::move(entry));
    });
    return loop::Operation(std::move(cancelled));
}

void Fills::join(const Key128& key, Make make, Waiter waiter) {
    const auto [place, first] = flights_.try_emplace(key);
    Flight& flight = place->second;
    flight.waiters.push_back(std::move(waiter));
    if (!first) {
        counters_.add(http::Counter::FillsCoalesced);
        return;
    }
    counters_.add(http::Counter::FillsStarted);
    flight.work = make([this, key] { return wanted(key); }, [this, key](const Filled& filled) { settle(key, filled); });
    flight.work->start();
}

bool Fills::wanted(const Key128& key) const {
    const auto place = flights_.find(key);
    if (place == flights_.end()) return false;
    return std::ranges::any_of(place->second.waiters,
                               [](const Waiter& waiter) { return !waiter.cancelled->load(std::memory_order_relaxed); });
}

void Fills::settle(Key128 key, const Filled& filled) {
    const auto place = flights_.find(key);
    if (place == flights_.end()) return;
    const Flight flight = std::move(place->second);  // its work is what called us: dropped last, when this returns
    flights_.erase(place);
    bool first = true;
    for (const Waiter& waiter : flight.waiters) {
        Filled copy = filled;
        if (!first && copy.verdict == http::Verdict::Miss) copy.verdict = http::Verdict::Coalesced;
        first = false;
        waiter.loop->post([cancelled = waiter.cancelled, done = waiter.done, copy = std::move(copy)]() mutable {
            if (!cancelled->load(std::memory_order_relaxed)) (*done)(std::move(copy));
        });
    }
}

void Fills::clear() { flights_.clear(); }

}  // namespace selvage::representations
