#include "cache_store/disk_index.h"

#include <utility>

namespace selvage::cache_store {

bool DiskIndex::reserve(std::uint64_t charge) {
    if (charge > limit_ || used_ > limit_ - charge) return false;
    used_ += charge;
    return true;
}

void DiskIndex::release(std::uint64_t charge) { used_ -= charge; }

void DiskIndex::add(const Key128& key, std::uint64_t charge) {
    used_ += charge;
    insert({.key = key, .charge = charge});
}

void DiskIndex::publish(const Key128& key, std::uint64_t charge, SteadyTime touch_after) {
    insert({.key = key, .charge = charge, .touch_after = touch_after});
}

void DiskIndex::insert(DiskEntry entry) {
    if (const auto* const replaced = find(entry.key)) remove(entry.key, replaced->generation);
    entry.generation = ++generations_;
    order_.push_front(entry);
    places_.emplace(entry.key, order_.begin());
}

const DiskEntry* DiskIndex::find(const Key128& key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &*found->second;
}

void DiskIndex::use(const Key128& key, SteadyTime touch_after) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    found->second->touch_after = touch_after;
    order_.splice(order_.begin(), order_, found->second);
}

void DiskIndex::set_aside(const Key128& key, std::uint64_t generation) {
    const auto found = places_.find(key);
    if (found != places_.end() && found->second->generation == generation) found->second->aside = true;
}

const DiskEntry* DiskIndex::oldest() const { return order_.empty() ? nullptr : &order_.back(); }

bool DiskIndex::remove(const Key128& key, std::uint64_t generation) {
    const auto found = places_.find(key);
    if (found == places_.end() || found->second->generation != generation) return false;
    used_ -= found->second->charge;
    order_.erase(found->second);
    places_.erase(found);
    return true;
}

}  // namespace selvage::cache_store
