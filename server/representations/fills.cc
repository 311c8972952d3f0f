#include "server/representations/fills.h"

#include <algorithm>
#include <utility>

namespace selvage::representations {

namespace {

bool gave_up(const Filled& filled) { return !filled.object && filled.object.error().kind == ErrorKind::Cancelled; }

}  // namespace

void Fills::Waiters::add(Waiter waiter) {
    const std::lock_guard lock(mutex_);
    waiters_.push_back(std::move(waiter));
}

std::vector<Fills::Waiter> Fills::Waiters::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(waiters_, {});
}

bool Fills::Waiters::wanted() const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(waiters_, [](const Waiter& waiter) { return waiter.interest->wanted(); });
}

loop::Operation Fills::request(loop::Loop& waiter, const Key128& key, Make make, std::move_only_function<void(Filled)> done) {
    auto interest = std::make_shared<loop::Interest>();
    // shared: the message may be dropped with its loop, and the completion belongs to the waiter's thread either way
    auto completion = std::make_shared<std::move_only_function<void(Filled)>>(std::move(done));
    control_.post([this, key, make = std::move(make), entry = Waiter{&waiter, interest, std::move(completion)}]() mutable {
        join(key, std::move(make), std::move(entry));
    });
    return loop::Operation(std::move(interest));
}

void Fills::join(const Key128& key, Make make, Waiter waiter) {
    const auto [place, first] = flights_.try_emplace(key);
    Flight& flight = place->second;
    flight.waiters->add(std::move(waiter));
    if (first) return start(key, flight, std::move(make));
    counters_.add(http::Counter::FillsCoalesced);
    flight.again = std::move(make);
}

void Fills::start(const Key128& key, Flight& flight, Make make) {
    counters_.add(http::Counter::FillsStarted);
    flight.work = make([waiters = flight.waiters] { return waiters->wanted(); },
                       [this, key](const Filled& filled) { settle(key, filled); });
    flight.work->start();
}

void Fills::settle(Key128 key, const Filled& filled) {
    const auto place = flights_.find(key);
    if (place == flights_.end()) return;
    const auto work = std::move(place->second.work);  // what called us: dropped last, when this returns
    if (gave_up(filled) && place->second.again && place->second.waiters->wanted()) {
        return start(key, place->second, std::exchange(place->second.again, nullptr));
    }
    const std::vector<Waiter> waiters = place->second.waiters->take();
    flights_.erase(place);
    bool first = true;
    for (const Waiter& waiter : waiters) {
        Filled copy = filled;
        if (!first && copy.verdict == http::Verdict::Miss) copy.verdict = http::Verdict::Coalesced;
        first = false;
        waiter.loop->post([interest = waiter.interest, done = waiter.done, copy = std::move(copy)]() mutable {
            interest->end([&] { (*done)(std::move(copy)); });
        });
    }
}

void Fills::clear() { flights_.clear(); }

}  // namespace selvage::representations
