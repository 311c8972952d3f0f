#include "cache_store/memory/shards.h"

#include <algorithm>
#include <utility>

namespace selvage::cache_store {
namespace {

constexpr std::uint16_t kFirstInsert = 1, kOneMore = 2;  // halves
constexpr std::uint64_t kMostHalves = UINT16_MAX;
// A place in a front takes 0.1 µs more than a hit: not for what is hit once or twice.
constexpr std::uint32_t kHitsPerOffer = 4;
constexpr std::uint64_t kMostJudged = UINT64_MAX >> 16;

// Ghosts of one generation; between once and twice as many are remembered. By replay of the AdaptSize log at 1 % and of the
// generator, byte misses: none 74.9 and 57.8 %, half as many 75.1 and 56.9, as many 74.7 and 56.1, twice as many 74.5 and 55.2.
constexpr std::size_t ghosts_of(std::size_t entries) { return entries; }

std::uint16_t frequency_in_halves(const Entry& entry) {
    return static_cast<std::uint16_t>(std::min(std::uint64_t{entry.hits} * kOneMore + entry.bonus, kMostHalves));
}

// What a ghost remembers includes hits that are known from elsewhere: neither counts twice.
std::uint16_t bonus_of(std::uint16_t ghost, std::uint32_t hits) {
    const std::uint64_t known = std::uint64_t{hits} * kOneMore, remembered = ghost + std::uint64_t{kOneMore};
    if (ghost == 0 || remembered <= known) return kFirstInsert;
    return static_cast<std::uint16_t>(std::min(remembered - known, kMostHalves));
}

// Evicting it would free nothing. It has been withdrawn from all fronts: of those, only what they have given out holds it.
bool is_held(const ObjectPtr& object) { return object.use_count() > 1 || object->body.use_count() > 1; }

template <std::size_t N>
std::size_t bucket_of(std::uint32_t value, const std::array<std::uint32_t, N>& bounds) {
    return static_cast<std::size_t>(std::ranges::upper_bound(bounds, value) - bounds.begin());
}

}  // namespace

Shards::Shards(std::uint64_t limit) : limit_(limit) {
    for (auto& least : least_) least.store(Shard::kNothing, std::memory_order_relaxed);
    fronts_.resize(limit);
}

std::optional<MemoryTier::Hit> Shards::find(const Key128& key) {
    const auto hash = hash_of(key);
    auto& place = places_[number_of(hash)];
    const double clock = clock_.load(std::memory_order_relaxed);
    if (auto hit = fronts_.find(key, hash, clock)) return hit;
    Front::Uncounted displaced;
    std::optional<MemoryTier::Hit> hit;
    {
        const std::lock_guard lock(place.mutex);
        Entry* entry = place.shard.find(key, hash);
        if (entry == nullptr) {
            ++place.misses;
            return std::nullopt;
        }
        ++place.hits;
        ++entry->hits;
        entry->clock = clock;
        hit = {.object = entry->object, .judged = entry->judged, .stale = entry->stale};
        if (entry->hits % kHitsPerOffer == 0) displaced = fronts_.offer(*entry, hash);
    }
    credit(displaced);
    return hit;
}

void Shards::judged(const Key128& key, const ObjectPtr& object, std::uint64_t sequence, bool stale) {
    const auto hash = hash_of(key);
    auto& place = places_[number_of(hash)];
    const std::lock_guard lock(place.mutex);
    Entry* entry = place.shard.find(key, hash);
    if (entry == nullptr || entry->object != object || sequence < entry->judged) return;
    entry->judged = sequence & kMostJudged;
    entry->stale = stale;
    fronts_.judged(*entry, hash);
}

bool Shards::put(const Key128& key, ObjectPtr object, std::uint64_t charge, const MemoryTier::Arrival& arrival,
                 std::uint32_t seconds, std::vector<MemoryTier::Evicted>& evicted) {
    const auto birth = object->birth;
    Eviction eviction{.evicted = evicted, .seconds = seconds};
    if (!reserve(charge, eviction)) {
        reject(key, birth);
        return false;
    }
    const bool kept = insert(key, object, static_cast<std::uint32_t>(charge), arrival, seconds);
    if (!kept) used_.fetch_sub(charge);
    trim(seconds, evicted);  // the limit may have shrunk since the reservation
    return kept;
}

// What it replaces is left in `object`: freed after the mutex.
bool Shards::insert(const Key128& key, ObjectPtr& object, std::uint32_t charge, const MemoryTier::Arrival& arrival,
                    std::uint32_t seconds) {
    const auto hash = hash_of(key);
    const auto number = number_of(hash);
    auto& place = places_[number];
    const std::lock_guard lock(place.mutex);
    Entry* entry = place.shard.find(key, hash);
    if (entry != nullptr) {
        if (entry->object->birth > object->birth) return false;
        fronts_.withdraw(*entry, hash);
        ++place.replaced;
        used_.fetch_sub(entry->charge);
        entry->hits = std::max(entry->hits, arrival.hits);
    } else {
        entry = &place.shard.add(key, hash);
        entry->hits = arrival.hits;
        entry->bonus = bonus_of(place.shard.ghosts.recall(hash), arrival.hits);
    }
    std::swap(entry->object, object);
    entry->clock = clock_.load(std::memory_order_relaxed);
    entry->judged = 0;
    entry->stale = false;
    entry->keep = arrival.keep;
    entry->charge = charge;
    entry->since = seconds;
    place.shard.rank(*entry);
    publish(number);
    return true;
}

void Shards::erase(const Key128& key) {
    ObjectPtr erased;  // freed after the mutex
    const auto hash = hash_of(key);
    auto& place = places_[number_of(hash)];
    const std::lock_guard lock(place.mutex);
    Entry* entry = place.shard.find(key, hash);
    if (entry != nullptr) erased = remove(place, *entry, hash);
}

void Shards::erase_if_same(const Key128& key, const ObjectPtr& object) {
    ObjectPtr erased;
    const auto hash = hash_of(key);
    auto& place = places_[number_of(hash)];
    const std::lock_guard lock(place.mutex);
    Entry* entry = place.shard.find(key, hash);
    if (entry != nullptr && entry->object == object) erased = remove(place, *entry, hash);
}

void Shards::reject(const Key128& key, std::uint64_t birth) {
    rejected_.fetch_add(1, std::memory_order_relaxed);
    ObjectPtr erased;
    const auto hash = hash_of(key);
    auto& place = places_[number_of(hash)];
    const std::lock_guard lock(place.mutex);
    Entry* entry = place.shard.find(key, hash);
    if (entry != nullptr && entry->object->birth <= birth) erased = remove(place, *entry, hash);
}

ObjectPtr Shards::remove(Place& place, Entry& entry, std::uint64_t hash) {
    fronts_.withdraw(entry, hash);
    used_.fetch_sub(entry.charge);
    return place.shard.remove(entry, hash);
}

void Shards::set_limit(std::uint64_t limit, std::uint32_t seconds, std::vector<MemoryTier::Evicted>& evicted) {
    limit_.store(limit);
    for (const auto& each : fronts_.resize(limit)) credit(each);
    trim(seconds, evicted);
}

// False when there is nothing that could go: all is held by somebody, or reserved by puts under way.
bool Shards::reserve(std::uint64_t charge, Eviction& eviction) {
    auto used = used_.load();
    for (;;) {
        const auto room = room_within(limit());
        if (charge > room) return false;
        if (used > room - charge) {
            if (!evict_one(eviction)) return false;
            used = used_.load();
        } else if (used_.compare_exchange_weak(used, used + charge)) {
            return true;
        }
    }
}

// To a limit that has shrunk. What is held goes as well: else a tier that is turned off would stay.
void Shards::trim(std::uint32_t seconds, std::vector<MemoryTier::Evicted>& evicted) {
    Eviction eviction{.evicted = evicted, .seconds = seconds, .spare_held = false};
    while (used_.load() > room_within(limit()) && evict_one(eviction)) {
    }
}

bool Shards::evict_one(Eviction& eviction) {
    for (;;) {
        double first = Shard::kNothing, second = Shard::kNothing;
        std::size_t number = 0;
        for (std::size_t each = 0; each < kCount; ++each) {
            const double least = least_[each].load(std::memory_order_relaxed);
            if (least < first) {
                second = std::exchange(first, least);
                number = each;
            } else if (least < second) {
                second = least;
            }
        }
        if (first == Shard::kNothing) return false;
        const auto outcome = evict_from(number, second, eviction);
        if (outcome != Outcome::ElsewhereIsLess) return outcome == Outcome::Evicted;
    }
}

// As long as this shard has the least of all.
Shards::Outcome Shards::evict_from(std::size_t number, double below, Eviction& eviction) {
    auto& place = places_[number];
    const std::lock_guard lock(place.mutex);
    auto outcome = Outcome::ElsewhereIsLess;
    while (outcome == Outcome::ElsewhereIsLess && place.shard.least() <= below && place.shard.size() > 0) {
        auto [entry, bound] = place.shard.pop();
        ++place.pops;
        fronts_.withdraw(entry, hash_of(entry.key));
        if (entry.priority() > bound) {
            place.shard.rank(entry);
        } else if (eviction.spare_held && is_held(entry.object)) {
            // It is in use: as if it had been hit when its turn came to leave.
            raise_clock(bound);
            entry.clock = bound;
            place.shard.rank(entry);
            if (++eviction.passed_over > kMostPassedOver) outcome = Outcome::GaveUp;
        } else {
            raise_clock(bound);
            let_go(place, entry, eviction);
            outcome = Outcome::Evicted;
        }
    }
    publish(number);
    return outcome;
}

void Shards::let_go(Place& place, Entry& entry, Eviction& eviction) {
    const auto hash = hash_of(entry.key);
    const auto age = eviction.seconds > entry.since ? eviction.seconds - entry.since : 0;
    ++place.evictions;
    ++place.evicted_age[bucket_of(age, kAgeBounds)];
    ++place.evicted_frequency[bucket_of(entry.hits, kFrequencyBounds)];
    used_.fetch_sub(entry.charge);
    place.shard.ghosts.set_most(ghosts_of(place.shard.size()));
    place.shard.ghosts.remember(hash, frequency_in_halves(entry));
    eviction.evicted.push_back({.key = entry.key, .object = nullptr, .hits = entry.hits, .keep = entry.keep});
    eviction.evicted.back().object = place.shard.remove(entry, hash);
}

// To the entry of the object, if it is still that.
void Shards::credit(const Front::Uncounted& uncounted) {
    if (uncounted.hits == 0) return;
    const auto hash = hash_of(uncounted.key);
    auto& place = places_[number_of(hash)];
    const std::lock_guard lock(place.mutex);
    Entry* entry = place.shard.find(uncounted.key, hash);
    if (entry == nullptr || entry->object != uncounted.object) return;
    entry->hits += uncounted.hits;
    entry->clock = std::max(entry->clock, uncounted.clock);
}

void Shards::raise_clock(double to) {
    double clock = clock_.load(std::memory_order_relaxed);
    while (clock < to && !clock_.compare_exchange_weak(clock, to, std::memory_order_relaxed)) {
    }
}

std::vector<Key128> Shards::hottest(std::size_t most) {
    for (const auto& each : fronts_.take_hits()) credit(each);
    using Ranked = std::pair<double, Key128>;
    std::vector<Ranked> best;
    const auto keep_best = [&] {
        if (best.size() <= most) return;
        std::ranges::nth_element(best, best.begin() + static_cast<std::ptrdiff_t>(most), std::greater<>());
        best.resize(most);
    };
    for (const auto& place : places_) {
        const std::lock_guard lock(place.mutex);
        for (const Entry& entry : place.shard.slots()) {
            if (entry.object) best.emplace_back(entry.priority(), entry.key);
        }
        keep_best();
    }
    std::ranges::sort(best, std::greater<>());
    std::vector<Key128> keys;
    keys.reserve(best.size());
    for (const auto& [priority, key] : best) keys.push_back(key);
    return keys;
}

std::uint64_t Shards::oldest_birth() const {
    std::uint64_t oldest = UINT64_MAX;
    for (const auto& place : places_) {
        const std::lock_guard lock(place.mutex);
        for (const Entry& entry : place.shard.slots()) {
            if (entry.object) oldest = std::min(oldest, entry.object->birth);
        }
    }
    return oldest;
}

void Shards::add_to(MemoryStats& stats) const {
    stats.bytes += used_.load();
    stats.limit += limit();
    stats.rejected += rejected_.load(std::memory_order_relaxed);
    stats.hits += fronts_.hits();
    const auto add = [](auto& sums, const auto& counts) {
        for (std::size_t bucket = 0; bucket < counts.size(); ++bucket) sums[bucket] += counts[bucket];
    };
    for (const auto& place : places_) {
        const std::lock_guard lock(place.mutex);
        stats.objects += place.shard.size();
        stats.hits += place.hits;
        stats.misses += place.misses;
        stats.evictions += place.evictions;
        stats.replaced += place.replaced;
        stats.ghosts += place.shard.ghosts.size();
        add(stats.evicted_age, place.evicted_age);
        add(stats.evicted_frequency, place.evicted_frequency);
    }
}

std::uint64_t Shards::pops() const {
    std::uint64_t sum = 0;
    for (const auto& place : places_) {
        const std::lock_guard lock(place.mutex);
        sum += place.pops;
    }
    return sum;
}

}  // namespace selvage::cache_store
