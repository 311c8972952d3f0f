#include "cache_store/memory/shard.h"

#include <algorithm>
#include <utility>

namespace selvage::cache_store {
namespace {

constexpr std::size_t kFewSlots = 16;

// For the standard heap, whose front is the greatest.
constexpr auto later = [](const Shard::Bound& left, const Shard::Bound& right) { return left.priority > right.priority; };

}  // namespace

Entry& Shard::add(const Key128& key, std::uint64_t hash) {
    if (free_ == SlotTable::kNone && entries_.size() == entries_.capacity()) {
        rebuild(std::max(kFewSlots, entries_.size() + entries_.size() / 2));
    }
    std::uint32_t slot = free_;
    if (slot != SlotTable::kNone) {
        free_ = entries_[slot].charge;
    } else {
        slot = static_cast<std::uint32_t>(entries_.size());
        entries_.emplace_back();
    }
    table_.add(hash, slot);
    ++size_;
    Entry& entry = entries_[slot];
    const auto stamp = entry.stamp;
    entry = Entry{};
    entry.key = key;
    entry.stamp = stamp;
    return entry;
}

ObjectPtr Shard::remove(Entry& entry, std::uint64_t hash) {
    const auto slot = static_cast<std::uint32_t>(&entry - entries_.data());
    auto object = std::move(entry.object);
    entry.object = nullptr;
    ++entry.stamp;
    entry.charge = free_;
    free_ = slot;
    table_.remove(hash, slot);
    --size_;
    if (entries_.capacity() > kFewSlots && size_ < entries_.capacity() / 4) rebuild(size_ * 2);
    return object;
}

void Shard::rank(Entry& entry) {
    ++entry.stamp;
    const auto slot = static_cast<std::uint32_t>(&entry - entries_.data());
    if (heap_.size() == heap_.capacity()) drop_void_bounds();
    heap_.push_back({.priority = entry.priority(), .slot = slot, .stamp = entry.stamp});
    std::ranges::push_heap(heap_, later);
}

double Shard::least() {
    while (!heap_.empty() && is_void(heap_.front())) {
        std::ranges::pop_heap(heap_, later);
        heap_.pop_back();
    }
    return heap_.empty() ? kNothing : heap_.front().priority;
}

Shard::Popped Shard::pop() {
    std::ranges::pop_heap(heap_, later);
    const Bound bound = heap_.back();
    heap_.pop_back();
    return {.entry = entries_[bound.slot], .bound = bound.priority};
}

bool Shard::is_void(const Bound& bound) const {
    const Entry& entry = entries_[bound.slot];
    return entry.stamp != bound.stamp || !entry.object;
}

// So many slots, the entries in the same order at their beginning. Priorities as of now: no bound is lost, none is void.
void Shard::rebuild(std::size_t slots) {
    std::vector<Entry> kept;
    kept.reserve(slots);
    table_.clear(slots);
    std::vector<Bound> heap;
    heap.reserve(slots + slots / 4);
    for (Entry& entry : entries_) {
        if (!entry.object) continue;
        const auto slot = static_cast<std::uint32_t>(kept.size());
        table_.add(hash_of(entry.key), slot);
        heap.push_back({.priority = entry.priority(), .slot = slot, .stamp = entry.stamp});
        kept.push_back(std::move(entry));
    }
    std::ranges::make_heap(heap, later);
    entries_ = std::move(kept);
    heap_ = std::move(heap);
    free_ = SlotTable::kNone;
}

void Shard::drop_void_bounds() {
    std::erase_if(heap_, [this](const Bound& bound) { return is_void(bound); });
    std::ranges::make_heap(heap_, later);
}

}  // namespace selvage::cache_store
