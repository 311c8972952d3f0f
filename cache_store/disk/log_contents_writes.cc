// What the writer and the rebuilding of the index tell the contents.
#include <algorithm>
#include <cmath>
#include <utility>

#include "cache_store/disk/log_contents.h"

namespace selvage::cache_store {

std::vector<Waiting> LogContents::take(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    return pending_.take(bytes);
}

bool LogContents::insert(const Key128& slot, const Location& location) {
    std::optional<Location> before;
    if (!index_.insert(slot, location, &before)) {
        ++counts_.dropped_index_full;
        return false;
    }
    if (before) {
        counts_.live_bytes -= std::min<std::uint64_t>(counts_.live_bytes, before->length);
        if (!before->part && counts_.objects > 0) --counts_.objects;
    }
    counts_.live_bytes += index_.find(slot)->length;  // as it is kept: rounded
    if (!location.part) ++counts_.objects;
    return true;
}

void LogContents::forget(const Key128& slot) {
    if (!indexed_) gone_.insert(slot);  // nor may an older one come back
    const auto location = index_.find(slot);
    if (!location) return;
    index_.erase(slot);
    counts_.live_bytes -= std::min<std::uint64_t>(counts_.live_bytes, location->length);
    if (!location->part && counts_.objects > 0) --counts_.objects;
}

void LogContents::settle_object(const Written& record) {
    const Key128& key = record.item.key;
    for (const auto& part : record.parts) {
        if (!insert(part.key, part.location)) {
            forget(key);
            return;
        }
    }
    // Nothing that was written before concerns the new one.
    if (const auto before = index_.find(key); before && before->lifetimes) forget(lifetimes_key(key));
    auto& least = segments_[record.location.segment].least_birth;
    least = std::min(least, record.item.object->birth);
    if (!insert(key, record.location)) forget(key);
}

void LogContents::settle(const Written& record) {
    const Key128& key = record.item.key;
    const bool counts = pending_.settle(record.item);
    if (record.item.type == RecordType::Tombstone) forget(key);
    if (!counts) return;  // erased, or put again
    if (record.item.type == RecordType::Object) {
        settle_object(record);
    } else if (record.item.type == RecordType::Lifetimes) {
        auto object = index_.find(key);
        if (!object) return;
        if (!insert(lifetimes_key(key), record.location)) return forget(key);
        object->lifetimes = true;
        insert(key, *object);
    }
}

void LogContents::written(std::span<const Written> records) {
    const std::lock_guard lock(mutex_);
    for (const auto& record : records) {
        settle(record);
        auto& objects = record.item.carried ? counts_.copied_objects : counts_.written_objects;
        if (record.item.type == RecordType::Object) ++objects;
    }
}

void LogContents::dropped(std::span<const Waiting> items, std::uint64_t DiskStats::* why) {
    const std::lock_guard lock(mutex_);
    for (const auto& item : items) {
        if (item.type == RecordType::Object && !item.carried) ++(counts_.*why);
        // What it was to replace is not to be used any more either.
        if (pending_.settle(item)) forget(item.key);
    }
}

bool LogContents::write_allowed(SteadyTime now) const {
    const std::lock_guard lock(mutex_);
    return writes_.allows(now);
}

bool LogContents::write_failed(SteadyTime now) {
    const std::lock_guard lock(mutex_);
    ++counts_.write_errors;
    return writes_.failed(now);
}

bool LogContents::write_succeeded() {
    const std::lock_guard lock(mutex_);
    return writes_.succeeded();
}

void LogContents::count(std::uint64_t DiskStats::* what, std::uint64_t by) {
    const std::lock_guard lock(mutex_);
    counts_.*what += by;
}

void LogContents::note(std::uint64_t DiskStats::* what, std::uint64_t value) {
    const std::lock_guard lock(mutex_);
    counts_.*what = value;
}

// ---- what leaves with its segment

std::vector<LogContents::Candidate> LogContents::candidates(std::span<const TocEntry> entries, std::uint32_t segment) const {
    std::vector<Candidate> found;
    const std::lock_guard lock(mutex_);
    for (const auto& entry : entries) {
        if (entry.type != RecordType::Object) continue;
        const auto location = index_.find(entry.key);
        const bool current = location && location->segment == segment && location->offset == entry.offset;
        if (!current || location->hits == 0 || pending_.find(entry.key) != nullptr) continue;
        // The middle of the power of two that is kept; half a millisecond for what cost less than one.
        const double cost = entry.cost_log == 0 ? 0.5 : 0.75 * std::exp2(entry.cost_log);
        found.push_back({.entry = entry, .worth = location->hits * cost / entry.record_length, .hits = location->hits});
    }
    return found;
}

std::optional<Waiting> LogContents::carry(const Candidate& candidate, std::uint32_t segment, ObjectPtr object) {
    const std::lock_guard lock(mutex_);
    const auto location = index_.find(candidate.entry.key);
    if (!location || location->segment != segment || location->offset != candidate.entry.offset) return std::nullopt;
    return pending_.carry(candidate.entry.key, std::move(object), static_cast<std::uint8_t>(candidate.hits / 2));
}

std::vector<Key128> LogContents::leave(std::span<const TocEntry> entries, std::uint32_t segment) {
    const std::lock_guard lock(mutex_);
    const bool older = segments_.any_older_than(segments_[segment].life);
    std::vector<Key128> returning;
    for (const auto& entry : entries) {
        const bool lifetimes = entry.type == RecordType::Lifetimes;
        const Key128 slot = lifetimes ? lifetimes_key(entry.key) : entry.key;
        const auto location = index_.find(slot);
        const bool current = location && location->segment == segment && location->offset == entry.offset;
        if (current) {
            forget(slot);
            if (lifetimes) forget(entry.key);  // passed over in an older segment: its lifetimes go, and it with them
            if (entry.type == RecordType::Object && pending_.find(entry.key) == nullptr) ++counts_.evictions;
        }
        const bool rules = entry.type == RecordType::Tombstone || (current && entry.type != RecordType::Part);
        if (older && rules && !index_.find(entry.key) && pending_.find(entry.key) == nullptr) returning.push_back(entry.key);
    }
    return returning;
}

// ---- on opening

LogContents::Restored LogContents::restore(std::span<const TocEntry> last_first, std::uint32_t segment,
                                           std::uint64_t purge_sequence) {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : last_first) {
        if (entry.birth_low > purge_sequence) return Restored::JournalLost;
        restore(entry, segment);
    }
    return Restored::Done;
}

void LogContents::restore(const TocEntry& entry, std::uint32_t segment) {
    if (gone_.contains(entry.key) || index_.find(entry.key)) return;  // there is something newer
    Location location{.segment = segment,
                      .offset = entry.offset,
                      .length = entry.record_length,
                      .cost_log = entry.cost_log,
                      .part = entry.type != RecordType::Object};
    switch (entry.type) {
        case RecordType::Tombstone:
            gone_.insert(entry.key);
            return;
        case RecordType::Lifetimes:
            if (const auto slot = lifetimes_key(entry.key); !index_.find(slot)) insert(slot, location);
            return;
        case RecordType::Object:
            location.lifetimes = index_.find(lifetimes_key(entry.key)).has_value();
            segments_[segment].least_birth = std::min<std::uint64_t>(segments_[segment].least_birth, entry.birth_low);
            [[fallthrough]];
        case RecordType::Part:
            insert(entry.key, location);
            return;
        case RecordType::Resumption:
            return;
    }
}

void LogContents::restored_all() {
    const std::lock_guard lock(mutex_);
    gone_ = {};
    indexed_ = true;
    counts_.indexed_segments = counts_.found_segments;
}

}  // namespace selvage::cache_store
