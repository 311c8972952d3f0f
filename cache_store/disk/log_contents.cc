#include "cache_store/disk/log_contents.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace selvage::cache_store {
namespace {

// What waits this long is written however little it is: a crash then loses no more than that.
constexpr std::chrono::milliseconds kLongestWait{900};

}  // namespace

// ---- for who reads

std::optional<Place> LogContents::place_of(const Key128& slot) const {
    const auto location = index_.find(slot);
    return location ? segments_.place(*location) : std::nullopt;
}

LookUp LogContents::known(const Key128& key) const {
    LookUp found;
    const auto* const entry = pending_.find(key);
    if (entry != nullptr && entry->object) {
        found.waiting = entry->object;
        return found;
    }
    found.place = place_of(key);
    if (!found.place || found.place->location.part) return {};
    if (entry != nullptr) found.refreshed = entry->lifetimes;
    if (!found.refreshed && found.place->location.lifetimes) {
        found.lifetimes = place_of(lifetimes_key(key));
        if (!found.lifetimes) return {};  // how long it may be used is not known any more
    }
    return found;
}

LookUp LogContents::look_up(const Key128& key) {
    const std::lock_guard lock(mutex_);
    auto found = known(key);
    if (!found) {
        ++counts_.misses;
    } else if (found.waiting) {
        ++counts_.hits;
    }
    return found;
}

LookUp LogContents::peek(const Key128& key) const {
    const std::lock_guard lock(mutex_);
    return known(key);
}

bool LogContents::may_have(const Key128& key) const {
    const std::lock_guard lock(mutex_);
    const auto* const entry = pending_.find(key);
    if (entry != nullptr && entry->object) return true;
    const auto location = index_.find(key);
    return location && !location->part && segments_.readable(location->segment);
}

void LogContents::ended(const Key128& slot, const Place& place, ReadEnd end) {
    const std::lock_guard lock(mutex_);
    Segment& segment = segments_[place.location.segment];
    const bool same_life = segment.life.is_same(place.life);
    const auto now = index_.find(slot);
    const bool now_there = now && now->segment == place.location.segment && now->offset == place.location.offset;
    switch (end) {
        case ReadEnd::Hit:
            ++counts_.hits;
            if (same_life) segment.failed_reads = 0;
            if (now_there) index_.hit(slot);
            return;
        case ReadEnd::WouldBlock:
            ++counts_.would_block;
            return;
        case ReadEnd::Failed:
            ++counts_.misses;
            ++counts_.read_errors;
            if (same_life && ++segment.failed_reads >= Segments::kTolerated) segment.offline = true;
            return;
        case ReadEnd::Corrupt:
        case ReadEnd::Foreign:
            ++counts_.misses;
            // Bytes that changed under the reader, because the segment was used again, are nobody's fault.
            ++(end == ReadEnd::Foreign || !same_life ? counts_.foreign : counts_.corrupt);
            if (now_there) forget(slot);
            return;
    }
}

std::optional<Parts> LogContents::pin_parts(const Key128& key, std::uint64_t body_checksum, std::uint32_t parts) {
    const std::lock_guard lock(mutex_);
    Parts found;
    for (std::uint32_t part = 0; part < parts; ++part) {
        const auto place = place_of(part_key(key, body_checksum, part));
        if (!place || !place->location.part) return std::nullopt;
        found.locations.push_back(place->location);
        const auto segment = place->location.segment;
        if (std::ranges::find(found.pins, segment, &Parts::Pin::segment) == found.pins.end())
            found.pins.push_back({.segment = segment, .life = place->life});
    }
    for (const auto& pin : found.pins) ++segments_[pin.segment].pins;
    return found;
}

void LogContents::unpin(const Parts& parts) {
    const std::lock_guard lock(mutex_);
    for (const auto& pin : parts.pins) {
        Segment& segment = segments_[pin.segment];
        if (segment.life.is_same(pin.life) && segment.pins > 0) --segment.pins;
    }
}

std::optional<Place> LogContents::place(const Location& location, const Life& life) const {
    const std::lock_guard lock(mutex_);
    if (closed_ || !segments_.holds(location.segment, life)) return std::nullopt;
    return segments_.place(location);
}

// ---- for who puts

NotStored LogContents::refusal(const Object& object, SteadyTime now) {
    const auto bytes = waiting_bytes(object);
    const auto refuse = [&](std::uint64_t& counter, NotStored reason) {
        ++counter;
        return reason;
    };
    if (released_ || closed_ || geometry_.segments == 0 || !writes_.allows(now))
        return refuse(counts_.dropped_offline, NotStored::DiskOff);
    // An eighth of the disk: that its parts stay together while the log comes round.
    const bool too_large = object.meta.size() > kLargestMeta || object.tags.size() > kMostTags || !object.body ||
                           bytes > geometry_.segment_bytes * geometry_.segments / 8;
    if (too_large) return refuse(counts_.dropped_too_large, NotStored::TooLarge);
    if (!pending_.takes(bytes, kMostWaiting)) return refuse(counts_.dropped_busy, NotStored::Busy);
    return NotStored::None;
}

LogContents::Told LogContents::enqueue(const Key128& key, ObjectPtr object, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    if (const auto reason = refusal(*object, now); reason != NotStored::None) return {.reason = reason};
    const auto* const entry = pending_.find(key);
    if (entry != nullptr && entry->object && entry->object->birth > object->birth) return {};
    if (pending_.empty()) waiting_since_ = now;
    pending_.put(key, std::move(object));
    return tell(now, true);
}

LogContents::Told LogContents::refresh(const Key128& key, const Lifetimes& lifetimes, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    if (!known(key)) return {};
    if (released_ || closed_ || !writes_.allows(now)) return {};
    if (pending_.empty()) waiting_since_ = now;
    pending_.refresh(key, lifetimes);
    return tell(now, true);
}

LogContents::Told LogContents::erase(const Key128& key, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    const bool writes = !released_ && !closed_ && geometry_.segments > 0;
    // What is not known may be in a segment that has not been indexed.
    const bool tombstone = writes && (!indexed_ || pending_.find(key) != nullptr || index_.find(key));
    if (pending_.empty()) waiting_since_ = now;
    pending_.erase(key, tombstone);
    forget(lifetimes_key(key));
    forget(key);
    return tell(now, true);
}

bool LogContents::waits(SteadyTime now) const {
    if (released_ || closed_) return false;
    return !indexed_ || pending_.queued() >= kBatch || (!pending_.empty() && now - waiting_since_ >= kLongestWait);
}

LogContents::Told LogContents::tell(SteadyTime now, bool known) {
    const bool wake = !told_ && waits(now);
    told_ = told_ || wake;
    return {.known = known, .wake = wake};
}

bool LogContents::work_waits(SteadyTime now) const {
    const std::lock_guard lock(mutex_);
    return waits(now);
}

void LogContents::work_begins() {
    const std::lock_guard lock(mutex_);
    told_ = false;
}

bool LogContents::due(SteadyTime now) const {
    const std::lock_guard lock(mutex_);
    return pending_.queued() >= kBatch || (!pending_.empty() && now - waiting_since_ >= kLongestWait);
}

// ---- the whole

void LogContents::configure(const Geometry& geometry, std::uint64_t limit) {
    const std::lock_guard lock(mutex_);
    const Recount recount(*this);
    geometry_ = geometry;
    counts_.limit = limit;
}

void LogContents::forget_segments() {
    const std::lock_guard lock(mutex_);
    const Recount recount(*this);
    segments_ = Segments();
}

void LogContents::begin_indexing(std::size_t slots) {
    Index empty(slots);
    const std::lock_guard lock(mutex_);
    std::swap(index_, empty);
    gone_.clear();
    indexed_ = segments_.found() == 0;
    counts_.objects = 0;
    counts_.live_bytes = 0;
    counts_.found_segments = segments_.found();
    counts_.indexed_segments = 0;
}

void LogContents::set_closed(bool released, bool closed) {
    const std::lock_guard lock(mutex_);
    released_ = released;
    closed_ = closed;
}

bool LogContents::closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

bool LogContents::indexed() const {
    const std::lock_guard lock(mutex_);
    return indexed_;
}

std::size_t LogContents::slots() const {
    const std::lock_guard lock(mutex_);
    return index_.slots();
}

std::uint64_t LogContents::oldest_birth() const {
    const std::lock_guard lock(mutex_);
    if (!indexed_) return 0;
    std::uint64_t oldest = pending_.oldest_birth();
    for (std::uint32_t number = 0; number < kMostSegments; ++number) oldest = std::min(oldest, segments_[number].least_birth);
    return oldest;
}

void LogContents::add_to(DiskStats& stats, SteadyTime now) const {
    const std::lock_guard lock(mutex_);
    stats = counts_;
    stats.online = !released_ && !closed_ && geometry_.segments > 0 && writes_.allows(now);
    stats.segments = segments_.files();
    stats.segments_offline = segments_.offline();
    stats.segment_bytes = geometry_.segment_bytes;
    stats.bytes = stats.segments * geometry_.segment_bytes;
    stats.index_slots = index_.slots();
    stats.index_used = index_.size();
    stats.waiting_bytes = pending_.bytes();
}

}  // namespace selvage::cache_store
