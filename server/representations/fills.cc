#include "server/representations/fills.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "server/http/growing_body.h"

namespace selvage::representations {

namespace {

using http::Counter;

constexpr auto kTick = std::chrono::milliseconds(250);  // deadlines, and who left: late by so much
constexpr std::size_t kMostFailures = 10'000;

bool gave_up(const Filled& filled) { return !filled.object && filled.object.error().kind == ErrorKind::Cancelled; }

// Would it fail again? What was cancelled or refused for lack of room may go well the next moment, and a source that has changed
// is asked for under another key. A worker that was lost says little about the picture; two do, and TransformPool refuses it
// then.
bool worth_remembering(const Filled& filled) {
    if (filled.object || filled.object.error().code == "worker_crashed") return false;
    const ErrorKind kind = filled.object.error().kind;
    return kind != ErrorKind::Cancelled && kind != ErrorKind::Overloaded && kind != ErrorKind::NotFound;
}

std::string_view bytes_of(const std::uint64_t& number) { return {reinterpret_cast<const char*>(&number), sizeof number}; }

}  // namespace

Key128 flight_key(const Key128& representation, const cache_store::Floor& floor) {
    return key_of({"flight", bytes_of(representation.high), bytes_of(representation.low), bytes_of(floor.gone)});
}

// Who waits for a flight, and who reads what it makes. Changed on the control loop, asked on any thread.
class Fills::Waiters {
public:
    void add(Waiter waiter) {
        const std::lock_guard lock(mutex_);
        waiters_.push_back(std::move(waiter));
    }
    std::vector<Waiter> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(waiters_, {});
    }
    // Forgets those who left. How many.
    std::size_t forget_dropped() {
        const std::lock_guard lock(mutex_);
        return std::erase_if(waiters_, [](const Waiter& waiter) { return waiter.interest->dropped(); });
    }
    // The flight has ended: work that is still at it on some thread need not go on.
    void end() {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    void keep_going() {
        const std::lock_guard lock(mutex_);
        background_ = true;
    }

    // What is made can be read from now on.
    void announce(Filled filled) {
        const std::lock_guard lock(mutex_);
        announced_ = std::move(filled);
    }
    void begin_again() {
        const std::lock_guard lock(mutex_);
        announced_.reset();
    }
    // For a reader. Nothing: nothing is announced, or its maker has given it up since, and will say so.
    std::optional<Filled> reading() const {
        const std::lock_guard lock(mutex_);
        if (!announced_) return std::nullopt;
        auto reader = http::GrowingBody::reader_of(announced_->growing);
        if (!reader) return std::nullopt;
        Filled filled = *announced_;
        filled.growing = std::move(reader);
        return filled;
    }

    Demand demand() const {
        const std::lock_guard lock(mutex_);
        if (ended_) return Demand::None;
        const auto wants = [](const Waiter& waiter) { return waiter.interest->wanted(); };
        const bool read = announced_ && announced_->growing->wanted();
        if (read || std::ranges::any_of(waiters_, wants)) return Demand::Client;
        return background_ ? Demand::Background : Demand::None;
    }

private:
    mutable std::mutex mutex_;
    std::vector<Waiter> waiters_;
    std::optional<Filled> announced_;
    bool background_ = false;
    bool ended_ = false;
};

Fills::Fills(loop::Loop& control, http::Counters& counters)
    : control_(control), counters_(counters), tick_(control, [this] { tick(); }) {}

Fills::~Fills() = default;

loop::Operation Fills::request(loop::Loop& waiter, const Key128& key, Make make, std::move_only_function<void(Filled)> done,
                               Admit admit) {
    auto interest = std::make_shared<loop::Interest>();
    // shared: the message may be dropped with its loop, and the completion belongs to the waiter's thread either way
    auto completion = std::make_shared<std::move_only_function<void(Filled)>>(std::move(done));
    control_.post([this, key, make = std::move(make), entry = Waiter{&waiter, interest, std::move(completion)},
                   admit = std::move(admit)]() mutable { join(key, std::move(make), std::move(entry), std::move(admit)); });
    return loop::Operation(std::move(interest));
}

void Fills::refresh(const Key128& key, Make make) {
    control_.post([this, key, make = std::move(make)]() mutable { begin(key, std::move(make)); });
}

void Fills::join(const Key128& key, Make make, Waiter waiter, Admit admit) {
    if (const auto place = flights_.find(key); place != flights_.end()) {
        counters_.add(Counter::FillsCoalesced);
        return join_flight(place->second, std::move(make), std::move(waiter));
    }
    if (const Error* error = remembered(key)) {
        counters_.add(Counter::FillFailuresRemembered);
        return post(waiter, {.object = std::unexpected(*error)});
    }
    if (flights_.size() >= limits_.flights) {
        counters_.limit_hit(http::LimitHit::Fills);
        return post(waiter, {.object = fail(ErrorKind::Overloaded, "too many fills at once", "fills")});
    }
    if (auto admitted = admit ? admit() : Result<void>(); !admitted) {
        return post(waiter, {.object = std::unexpected(std::move(admitted.error()))});
    }
    Flight& flight = add_flight(key);
    flight.waiters->add(std::move(waiter));
    counters_.add(Counter::FillWaiters);
    start(key, flight, std::move(make));
}

void Fills::join_flight(Flight& flight, Make make, Waiter waiter) {
    if (auto filled = flight.waiters->reading()) {
        filled->verdict = http::Verdict::Coalesced;
        return post(waiter, *std::move(filled));
    }
    flight.waiters->add(std::move(waiter));
    counters_.add(Counter::FillWaiters);
    flight.again = std::move(make);
}

void Fills::begin(const Key128& key, Make make) {
    if (const auto place = flights_.find(key); place != flights_.end()) return place->second.waiters->keep_going();
    if (remembered(key)) return;
    if (flights_.size() >= limits_.flights / 2) return counters_.limit_hit(http::LimitHit::Fills);
    Flight& flight = add_flight(key);
    flight.waiters->keep_going();
    flight.first_told = true;
    start(key, flight, std::move(make));
}

Fills::Flight& Fills::add_flight(const Key128& key) {
    Flight& flight = flights_[key];
    flight.waiters = std::make_shared<Waiters>();
    flight.deadline = control_.now() + limits_.timeout;
    counters_.add(Counter::FillsUnderWay);
    if (!tick_.active()) tick_.repeat(kTick);
    return flight;
}

void Fills::start(const Key128& key, Flight& flight, Make make) {
    counters_.add(Counter::FillsStarted);
    flight.number = ++last_number_;
    flight.work = make([waiters = flight.waiters] { return waiters->demand(); },
                       [this, key, number = flight.number](Filled filled) { settle(key, number, std::move(filled)); });
    flight.work->start();
}

void Fills::settle(const Key128& key, std::uint64_t number, Filled filled) {
    const auto place = flights_.find(key);
    if (place == flights_.end() || place->second.number != number) return;
    Flight& flight = place->second;
    if (filled.growing) return announce(flight, std::move(filled));
    const auto work = std::move(flight.work);  // what called us: dropped last, when this returns
    if (gave_up(filled)) {
        counters_.add(Counter::FillsCancelled);
        if (flight.again && flight.waiters->demand() != Demand::None) {
            flight.waiters->begin_again();
            return start(key, flight, std::exchange(flight.again, nullptr));
        }
    }
    if (worth_remembering(filled)) remember(key, filled.object.error());
    auto ended = take_out(place);
    tell(ended.mapped(), filled);
}

void Fills::announce(Flight& flight, Filled filled) {
    flight.waiters->announce(std::move(filled));
    if (const auto reading = flight.waiters->reading()) tell(flight, *reading);
}

void Fills::tell(Flight& flight, const Filled& filled) {
    for (const Waiter& waiter : flight.waiters->take()) {
        counters_.subtract(Counter::FillWaiters);
        Filled copy = filled;
        if (flight.first_told && copy.verdict == http::Verdict::Miss) copy.verdict = http::Verdict::Coalesced;
        flight.first_told = true;
        post(waiter, std::move(copy));
    }
}

void Fills::post(const Waiter& waiter, Filled filled) const {
    waiter.loop->post([interest = waiter.interest, done = waiter.done, filled = std::move(filled)]() mutable {
        interest->end([&] { (*done)(std::move(filled)); });
    });
}

Fills::Flights::node_type Fills::take_out(Flights::iterator place) {
    counters_.subtract(Counter::FillsUnderWay);
    return flights_.extract(place);
}

void Fills::remember(const Key128& key, const Error& error) {
    if (failures_.size() >= kMostFailures) failures_.clear();  // they would be forgotten within the second
    failures_[key] = {error, control_.now() + limits_.failure_kept};
}

const Error* Fills::remembered(const Key128& key) {
    const auto place = failures_.find(key);
    return place != failures_.end() && control_.now() < place->second.until ? &place->second.error : nullptr;
}

void Fills::tick() {
    const SteadyTime now = control_.now();
    std::vector<Key128> late;
    for (auto& [key, flight] : flights_) {
        for (std::size_t left = flight.waiters->forget_dropped(); left != 0; --left) counters_.subtract(Counter::FillWaiters);
        if (flight.deadline <= now) late.push_back(key);
    }
    for (const Key128& key : late) {
        counters_.add(Counter::FillsTimedOut);
        auto ended = take_out(flights_.find(key));
        ended.mapped().waiters->end();
        ended.mapped().work.reset();
        const Filled failed{.object = fail(ErrorKind::TimedOut, "not made within cache.fill_timeout", "fill_timeout")};
        remember(key, failed.object.error());
        tell(ended.mapped(), failed);
    }
    std::erase_if(failures_, [now](const auto& entry) { return entry.second.until <= now; });
    if (flights_.empty() && failures_.empty()) tick_.stop();
}

void Fills::clear() {
    for (const auto& [key, flight] : flights_) flight.waiters->end();
    flights_.clear();
    failures_.clear();
    tick_.stop();
}

}  // namespace selvage::representations
