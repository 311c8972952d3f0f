#include "cache_store/memory/memory_tier.h"

#include <algorithm>
#include <utility>

#include "cache_store/memory/shards.h"

namespace selvage::cache_store {
namespace {

constexpr std::uint64_t kPage = 4096;

constexpr std::uint64_t rounded(std::uint64_t bytes, std::uint64_t unit) { return (bytes + unit - 1) / unit * unit; }

// What malloc takes for so many bytes: 8 of its own, in units of 16, at least 32. glibc.
constexpr std::uint64_t block(std::uint64_t bytes) { return std::max<std::uint64_t>(32, rounded(bytes + 8, 16)); }

constexpr std::uint64_t string_block(std::uint64_t capacity) { return capacity > 15 ? block(capacity + 1) : 0; }

// What a shard has for an entry when its arrays have just grown by half and its ghosts are as many as its entries: the slot, a
// cell of the table, an element of the heap, and two generations of ghosts.
constexpr std::uint64_t kEntry = sizeof(Entry) * 3 / 2 + 8 * 8 / 3 + sizeof(Shard::Bound) * 15 / 8 + 2 * 8 * 4 / 3;

// In malloc's blocks: the object and its blob, each with its count.
std::uint64_t in_blocks(const Object& object, std::uint64_t body_bytes) {
    std::uint64_t bytes = block(sizeof(Object) + 16) + block(sizeof(Blob) + 16) + string_block(object.meta.capacity());
    if (object.tags.capacity() > 0) bytes += block(object.tags.capacity() * sizeof(Tag));
    if (body_bytes < Blob::kPagesFrom) bytes += string_block(body_bytes);
    return bytes;
}

constexpr std::uint64_t in_pages(std::uint64_t body_bytes) {
    return body_bytes < Blob::kPagesFrom ? 0 : rounded(body_bytes, kPage);
}

// The holes that blocks of mixed sizes leave between them as they come and go: 8 % for objects of one small size, 14 % for bodies
// of any size up to 40 KB. Measured after the whole limit had been replaced several times.
constexpr std::uint64_t with_holes(std::uint64_t bytes) { return bytes + bytes / 10; }

std::uint32_t seconds_of(SteadyTime time) {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

}  // namespace

std::uint64_t memory_charge(const Object& object) { return memory_charge(object, object.body ? object.body->kept_bytes() : 0); }

std::uint64_t memory_charge(const Object& object, std::uint64_t body_bytes) {
    return with_holes(in_blocks(object, body_bytes)) + in_pages(body_bytes) + kEntry;
}

struct MemoryTier::State {
    Shards shards;
    std::function<SteadyTime()> now;
};

MemoryTier::MemoryTier(std::uint64_t limit, std::function<SteadyTime()> now)
    : state_(new State{.shards = Shards(limit), .now = std::move(now)}) {}

MemoryTier::~MemoryTier() = default;

std::optional<MemoryTier::Hit> MemoryTier::find(const Key128& key) { return state_->shards.find(key); }

void MemoryTier::judged(const Key128& key, const ObjectPtr& object, std::uint64_t sequence, bool stale) {
    state_->shards.judged(key, object, sequence, stale);
}

bool MemoryTier::put(const Key128& key, ObjectPtr object, const Arrival& arrival, std::vector<Evicted>& evicted) {
    if (!object) return false;
    const auto charge = memory_charge(*object);
    if (charge > largest_charge(state_->shards.limit())) {
        state_->shards.reject(key, object->birth);
        return false;
    }
    return state_->shards.put(key, std::move(object), charge, arrival, seconds_of(state_->now()), evicted);
}

void MemoryTier::erase(const Key128& key) { state_->shards.erase(key); }

void MemoryTier::erase_if_same(const Key128& key, const ObjectPtr& object) { state_->shards.erase_if_same(key, object); }

void MemoryTier::set_limit(std::uint64_t limit, std::vector<Evicted>& evicted) {
    state_->shards.set_limit(limit, seconds_of(state_->now()), evicted);
}

std::vector<Key128> MemoryTier::hottest(std::size_t most) { return state_->shards.hottest(most); }

std::uint64_t MemoryTier::oldest_birth() const { return state_->shards.oldest_birth(); }

void MemoryTier::add_to(MemoryStats& stats) const { state_->shards.add_to(stats); }

}  // namespace selvage::cache_store
