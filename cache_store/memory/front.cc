#include "cache_store/memory/front.h"

#include <sched.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <memory>
#include <span>
#include <thread>
#include <utility>

namespace selvage::cache_store {
namespace {

// How often others must ask for the place of what was hot, and is not any more.
constexpr std::uint32_t kMostWorth = 8;

// More of them gain nothing: their places are no longer in the core's own caches.
constexpr std::size_t kMostPlaces = 16'384;
constexpr std::uint64_t kLimitPerPlace = 16 * 1024;

// An entry has a bit for every eighth core.
constexpr std::uint8_t bit_of(std::size_t core) { return static_cast<std::uint8_t>(1U << (core % 8)); }

// The same object under a count of its own.
ObjectPtr counted_apart(const ObjectPtr& object) { return {std::make_shared<const ObjectPtr>(object), object.get()}; }

void append(std::vector<Front::Uncounted>& all, std::vector<Front::Uncounted> some) {
    all.insert(all.end(), std::move_iterator(some.begin()), std::move_iterator(some.end()));
}

}  // namespace

std::size_t Front::find_place(const Key128& key, std::uint64_t hash) const {
    if (places_.empty()) return kNowhere;
    const auto tag = tag_of(hash);
    const std::size_t set = set_of(hash);
    for (std::size_t place = set; place != set + kWays; ++place) {
        if (tags_[place] == tag && places_[place].key == key) return place;
    }
    return kNowhere;
}

std::optional<MemoryTier::Hit> Front::find(const Key128& key, std::uint64_t hash, double clock) {
    const std::lock_guard lock(mutex_);
    const std::size_t found = find_place(key, hash);
    if (found == kNowhere) return std::nullopt;
    Place& place = places_[found];
    ++hits_;
    ++place.hits;
    place.worth = std::min(place.worth + 1, kMostWorth);
    place.clock = clock;
    return MemoryTier::Hit{.object = place.object, .judged = place.judged, .stale = place.stale};
}

Front::Uncounted Front::uncounted(Place& place) {
    return {.key = place.key, .object = place.object, .hits = std::exchange(place.hits, 0), .clock = place.clock};
}

Front::Offered Front::offer(const Entry& entry, std::uint64_t hash) {
    const std::lock_guard lock(mutex_);
    if (places_.empty() || find_place(entry.key, hash) != kNowhere) return {};
    const auto set = std::span(places_).subspan(set_of(hash), kWays);
    Place& place = *std::ranges::min_element(set, {}, &Place::worth);
    if (place.worth > 0) {
        --place.worth;
        return {};
    }
    Offered offered{.taken = true, .displaced = {}};
    if (place.object) offered.displaced = uncounted(place);
    place = {.key = entry.key,
             .object = counted_apart(entry.object),
             .clock = entry.clock,
             .judged = entry.judged,
             .stale = entry.stale,
             .worth = 1};
    tags_[static_cast<std::size_t>(&place - places_.data())] = tag_of(hash);
    return offered;
}

void Front::withdraw(Entry& entry, std::uint64_t hash) {
    const std::lock_guard lock(mutex_);
    const std::size_t found = find_place(entry.key, hash);
    if (found == kNowhere) return;
    Place& place = places_[found];
    entry.hits += place.hits;
    entry.clock = std::max(entry.clock, place.clock);
    place = {};
    tags_[found] = 0;
}

void Front::judged(const Entry& entry, std::uint64_t hash) {
    const std::lock_guard lock(mutex_);
    const std::size_t found = find_place(entry.key, hash);
    if (found == kNowhere) return;
    places_[found].judged = entry.judged;
    places_[found].stale = entry.stale;
}

std::vector<Front::Uncounted> Front::take_hits() {
    std::vector<Uncounted> all;
    const std::lock_guard lock(mutex_);
    for (Place& place : places_) {
        if (place.object && place.hits > 0) all.push_back(uncounted(place));
    }
    return all;
}

std::vector<Front::Uncounted> Front::resize(std::size_t most) {
    const std::size_t sets = std::bit_floor(most / kWays);
    {
        const std::lock_guard lock(mutex_);
        if (places_.size() == sets * kWays) return {};
    }
    std::vector<Place> places(sets * kWays);
    std::vector<std::uint16_t> tags(places.size());
    auto all = take_hits();
    const std::lock_guard lock(mutex_);
    places_ = std::move(places);
    tags_ = std::move(tags);
    set_mask_ = sets == 0 ? 0 : sets - 1;
    return all;
}

std::uint64_t Front::hits() const {
    const std::lock_guard lock(mutex_);
    return hits_;
}

// The cores that this process may use are numbered on; should it come to another, that one shares a front.
Fronts::Fronts() : fronts_(std::max(1U, std::thread::hardware_concurrency())) {
    cpu_set_t ours;
    CPU_ZERO(&ours);
    if (sched_getaffinity(0, sizeof ours, &ours) != 0) CPU_SET(0, &ours);
    std::size_t next = 0;
    for (std::size_t core = 0; core < front_of_.size(); ++core) {
        const auto front = CPU_ISSET(core, &ours) ? next++ : core;
        front_of_[core] = static_cast<std::uint16_t>(front % fronts_.size());
    }
}

std::size_t Fronts::places_within(std::uint64_t limit) { return limit / kLimitPerPlace; }

// glibc asks no system for this since 2.35 (rseq): 1 ns.
Front& Fronts::here() {
    const auto core = static_cast<std::size_t>(std::max(0, sched_getcpu()));
    return fronts_[front_of_[core % front_of_.size()]];
}

Front::Uncounted Fronts::offer(Entry& entry, std::uint64_t hash) {
    Front& front = here();
    auto [taken, displaced] = front.offer(entry, hash);
    if (taken) entry.fronts |= bit_of(static_cast<std::size_t>(&front - fronts_.data()));
    return std::move(displaced);
}

void Fronts::withdraw(Entry& entry, std::uint64_t hash) {
    if (entry.fronts == 0) return;
    for (std::size_t core = 0; core < fronts_.size(); ++core) {
        if ((entry.fronts & bit_of(core)) != 0) fronts_[core].withdraw(entry, hash);
    }
    entry.fronts = 0;
}

std::vector<Front::Uncounted> Fronts::take_hits() {
    std::vector<Front::Uncounted> all;
    for (Front& front : fronts_) append(all, front.take_hits());
    return all;
}

std::vector<Front::Uncounted> Fronts::resize(std::uint64_t limit) {
    std::vector<Front::Uncounted> all;
    for (Front& front : fronts_) append(all, front.resize(std::min(places_within(limit) / fronts_.size(), kMostPlaces)));
    return all;
}

std::uint64_t Fronts::hits() const {
    std::uint64_t sum = 0;
    for (const Front& front : fronts_) sum += front.hits();
    return sum;
}

}  // namespace selvage::cache_store
