#include "server/representations/transform_queue.h"

#include <algorithm>
#include <utility>

namespace selvage::representations {

namespace {

using Entry = TransformQueue::Entry;
using Room = TransformQueue::Room;
using Turn = TransformQueue::Turn;

bool before(const Turn& a, const Turn& b) {
    if (a.by_client != b.by_client) return a.by_client;
    return a.patience != b.patience ? a.patience < b.patience : a.place < b.place;
}

std::vector<Turn> turns_of(const std::deque<Entry>& entries) {
    std::vector<Turn> turns;
    turns.reserve(entries.size());
    for (const Entry& entry : entries) {
        turns.push_back({.place = turns.size(),
                         .by_client = entry.job.wanted.by_client(),
                         .patience = entry.since + TransformQueue::kPatience * entry.job.cost.total()});
    }
    std::ranges::sort(turns, before);
    return turns;
}

bool unhurried(const Turn& turn, std::chrono::microseconds cost) { return !turn.by_client || cost >= TransformQueue::kHeavy; }

bool same_source(const TransformJob& a, const TransformJob& b) { return a.content == b.content && a.original == b.original; }
bool same_source(const Entry& a, const Entry& b) { return !a.alone && !b.alone && same_source(a.job, b.job); }

// The window begins anew with each that comes, a few times.
SteadyTime ripe_at(const Entry& entry, const std::deque<Entry>& entries, const Room& room) {
    constexpr int kMostWindows = 4;
    if (entry.alone || room.gather.count() == 0 || entry.job.cost.decode < TransformQueue::kWorthGathering) return entry.since;
    SteadyTime oldest = entry.since, latest = entry.since;
    for (const Entry& other : entries) {
        if (!same_source(entry, other)) continue;
        oldest = std::min(oldest, other.since);
        latest = std::max(latest, other.since);
    }
    return std::min(oldest + kMostWindows * room.gather, latest + room.gather);
}

// Nobody is to wait for the background: it goes with a client's only where it costs less than the decode that it saves.
bool may_ride(const Turn& first, const Turn& rider, const TransformCost& cost) {
    return rider.by_client || !first.by_client || cost.make <= cost.decode;
}

}  // namespace

Lane TransformQueue::lane_of(const TransformJob& job) {
    if (!job.wanted.by_client()) return Lane::Background;
    return job.cost.total() < kHeavy ? Lane::Light : Lane::Heavy;
}

Lane TransformQueue::Entry::lane() const { return lane_of(job); }

// What goes with another that waits takes no place of its own among the expensive ones: a srcset is made in one go.
bool TransformQueue::has_room(const TransformJob& job) const {
    const Lane lane = lane_of(job);
    if (has_room(lane, job.cost.total())) return true;
    if (lane != Lane::Heavy) return false;
    const auto with = std::ranges::count_if(entries_, [&](const Entry& entry) { return same_source(entry.job, job); });
    return with > 0 && static_cast<std::size_t>(with) < transforms::worker::kMostOrders;
}

bool TransformQueue::has_room(Lane lane, std::chrono::microseconds cost) const {
    switch (lane) {
        case Lane::Heavy:
            return size(lane) < bounds_.heavy;
        case Lane::Background:
            return size(lane) < bounds_.background;
        case Lane::Light:
            break;
    }
    std::chrono::microseconds waiting{0};
    for (const Entry& entry : entries_) {
        if (entry.lane() == lane) waiting += entry.job.cost.total();
    }
    return size(lane) < bounds_.light && cost <= bounds_.light_cost && waiting <= bounds_.light_cost - cost;
}

void TransformQueue::push(Entry entry) {
    if (entry.lane() != Lane::Background) entry.client_since = entry.since;
    entries_.push_back(std::move(entry));
}

TransformQueue::Choice TransformQueue::next(const Room& room) {
    Choice choice;
    const std::vector<Turn> turns = turns_of(entries_);
    const auto first = std::ranges::find_if(turns, [&](const Turn& turn) { return may_begin(turn, room, choice); });
    if (first == turns.end()) return choice;
    const Entry& leader = entries_[first->place];
    choice.batch = {.entries = {}, .cost = leader.job.cost.total(), .memory = leader.job.cost.memory};
    std::vector<std::size_t> places{first->place};
    for (auto rider = std::next(first); rider != turns.end() && places.size() < transforms::worker::kMostOrders; ++rider) {
        const TransformCost& cost = entries_[rider->place].job.cost;
        if (!same_source(leader, entries_[rider->place]) || !may_ride(*first, *rider, cost)) continue;
        if (cost.memory > room.memory || (choice.batch.cost + cost.make >= kHeavy && !room.unhurried)) continue;
        choice.batch.cost += cost.make;
        choice.batch.memory = std::max(choice.batch.memory, cost.memory);  // one after the other
        places.push_back(rider->place);
    }
    choice.batch.unhurried = unhurried(*first, choice.batch.cost);
    choice.batch.entries = take_out(places);
    return choice;
}

bool TransformQueue::may_begin(const Turn& turn, const Room& room, Choice& choice) const {
    const Entry& entry = entries_[turn.place];
    if (unhurried(turn, entry.job.cost.total()) && !room.unhurried) return false;
    if (const SteadyTime ripe = ripe_at(entry, entries_, room); ripe > room.now) {
        choice.ripens = std::min(ripe, choice.ripens.value_or(ripe));
        return false;
    }
    if (entry.job.cost.memory <= room.memory) return true;
    choice.short_of_memory = true;
    return false;
}

std::vector<TransformQueue::Entry> TransformQueue::take_out(std::span<const std::size_t> places) {
    std::vector<Entry> taken;
    taken.reserve(places.size());
    for (const std::size_t place : places) taken.push_back(std::move(entries_[place]));
    std::erase_if(entries_, [](const Entry& entry) { return entry.interest == nullptr; });  // moved from
    return taken;
}

std::vector<TransformQueue::Entry> TransformQueue::take_unwanted() {
    return take_if([](const Entry& entry) { return entry.unwanted(); });
}

std::vector<TransformQueue::Entry> TransformQueue::take_late(SteadyTime now, std::chrono::milliseconds patience) {
    for (Entry& entry : entries_) {
        if (entry.lane() == Lane::Background) {
            entry.client_since.reset();
        } else if (!entry.client_since) {
            entry.client_since = now;
        }
    }
    return take_if([&](const Entry& entry) { return entry.client_since && now - *entry.client_since > patience; });
}

std::vector<TransformQueue::Entry> TransformQueue::take_if(const std::function<bool(const Entry&)>& which) {
    std::vector<std::size_t> places;
    for (std::size_t place = 0; place < entries_.size(); ++place) {
        if (which(entries_[place])) places.push_back(place);
    }
    return take_out(places);
}

std::size_t TransformQueue::size(Lane lane) const {
    return static_cast<std::size_t>(std::ranges::count_if(entries_, [lane](const Entry& entry) { return entry.lane() == lane; }));
}

std::chrono::microseconds TransformQueue::client_cost() const {
    std::chrono::microseconds sum{0};
    for (const Entry& entry : entries_) {
        if (entry.lane() != Lane::Background) sum += entry.job.cost.total();
    }
    return sum;
}

}  // namespace selvage::representations
