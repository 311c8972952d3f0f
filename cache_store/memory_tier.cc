#include "cache_store/memory_tier.h"

#include <algorithm>
#include <utility>

namespace selvage::cache_store {
namespace {

// What malloc holds for an object besides its bytes: five blocks (object, blob, body, list node, hash node) with 16 bytes of
// bookkeeping and rounding each, two reference counts, and the share of the bucket array.
constexpr std::uint64_t kOverhead = sizeof(Object) + sizeof(Blob) + 2 * 16 + 96 + 48 + 16 + 5 * 16;

}  // namespace

std::uint64_t memory_charge(const Object& object) {
    return (object.body ? object.body->size() : 0) + object.meta.capacity() + kOverhead;
}

ObjectPtr MemoryTier::find(const Key128& key) {
    auto& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.index.find(key);
    if (found == shard.index.end()) {
        ++shard.misses;
        return nullptr;
    }
    ++shard.hits;
    shard.order.splice(shard.order.begin(), shard.order, found->second);
    found->second->used_at = clock_.load(std::memory_order_relaxed) + 1;
    publish_oldest(shard);
    return found->second->object;
}

void MemoryTier::put(const Key128& key, ObjectPtr object) {
    if (!object) return;
    const auto charge = memory_charge(*object);
    const auto largest = std::min(limit_.load(std::memory_order_relaxed) / 8, kLargestCharge);
    if (charge > largest || !reserve(charge)) {
        rejected_.fetch_add(1, std::memory_order_relaxed);
        erase(key);
        return;
    }
    insert(key, std::move(object), charge);
    trim();  // the limit may have shrunk since the reservation
}

void MemoryTier::insert(const Key128& key, ObjectPtr object, std::uint64_t charge) {
    ObjectPtr replaced;  // freed after the mutex
    auto& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    if (const auto found = shard.index.find(key); found != shard.index.end()) replaced = take(shard, found->second);
    const auto now = clock_.fetch_add(2, std::memory_order_relaxed) + 2;
    shard.order.push_front({.key = key, .object = std::move(object), .charge = charge, .used_at = now});
    shard.index.emplace(key, shard.order.begin());
    publish_oldest(shard);
}

void MemoryTier::erase(const Key128& key) {
    ObjectPtr erased;  // freed after the mutex
    auto& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    if (const auto found = shard.index.find(key); found != shard.index.end()) erased = take(shard, found->second);
}

void MemoryTier::erase_if_same(const Key128& key, const ObjectPtr& object) {
    ObjectPtr erased;
    auto& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.index.find(key);
    if (found != shard.index.end() && found->second->object == object) erased = take(shard, found->second);
}

void MemoryTier::set_limit(std::uint64_t limit) {
    limit_.store(limit);
    trim();
}

void MemoryTier::add_to(Stats& stats) const {
    stats.memory_bytes += used_.load();
    stats.rejected += rejected_.load(std::memory_order_relaxed);
    for (const auto& shard : shards_) {
        const std::lock_guard lock(shard.mutex);
        stats.memory_objects += shard.index.size();
        stats.memory_hits += shard.hits;
        stats.memory_misses += shard.misses;
        stats.memory_evictions += shard.evictions;
    }
}

// False when there is nothing left to evict: all bytes are reserved by puts under way.
bool MemoryTier::reserve(std::uint64_t charge) {
    auto used = used_.load();
    for (;;) {
        const auto limit = limit_.load();
        if (charge > limit) return false;
        if (used > limit - charge) {
            if (!evict_oldest()) return false;
            used = used_.load();
        } else if (used_.compare_exchange_weak(used, used + charge)) {
            return true;
        }
    }
}

void MemoryTier::trim() {
    while (used_.load() > limit_.load() && evict_oldest()) {
    }
}

// False when no shard has an object. A shard that was emptied by another thread meanwhile is simply asked again.
bool MemoryTier::evict_oldest() {
    for (;;) {
        auto oldest = std::ranges::min_element(shards_, {}, [](const Shard& shard) { return shard.oldest.load(); });
        if (oldest->oldest.load() == kNever) return false;
        ObjectPtr evicted;  // freed after the mutex
        const std::lock_guard lock(oldest->mutex);
        if (oldest->order.empty()) continue;
        evicted = take(*oldest, std::prev(oldest->order.end()));
        ++oldest->evictions;
        return true;
    }
}

ObjectPtr MemoryTier::take(Shard& shard, Order::iterator entry) {
    auto object = std::move(entry->object);
    used_.fetch_sub(entry->charge);
    shard.index.erase(entry->key);
    shard.order.erase(entry);
    publish_oldest(shard);
    return object;
}

void MemoryTier::publish_oldest(Shard& shard) { shard.oldest.store(shard.order.empty() ? kNever : shard.order.back().used_at); }

}  // namespace selvage::cache_store
