#include "tiers.h"

#include <algorithm>

namespace selvage::bench {

using namespace cache_store;

namespace {

Key128 key_of(std::uint64_t object) { return {.high = object * 0x9E3779B97F4A7C15ULL, .low = object}; }

// Owned by nobody, so that it counts as held by nobody.
const Object kNothing;
ObjectPtr nothing() { return {ObjectPtr{}, &kNothing}; }

}  // namespace

OurMemory::OurMemory(std::uint64_t limit, Largest largest)
    : largest_(largest == Largest::AsInProduct ? MemoryTier::largest_charge(limit) : limit), shards_(limit) {}

bool OurMemory::ask(const Request& request) {
    if (find(request)) return true;
    put(request);
    return false;
}

bool OurMemory::find(const Request& request) { return shards_.find(key_of(request.object)).has_value(); }

void OurMemory::put(const Request& request) {
    evicted.clear();
    if (request.bytes > largest_) return;
    left_.clear();
    shards_.put(key_of(request.object), nothing(), request.bytes, {}, 0, left_);
    evictions_ += left_.size();
    bytes_.resize(std::max(bytes_.size(), static_cast<std::size_t>(request.object) + 1));
    bytes_[request.object] = request.bytes;
    for (const auto& each : left_)
        evicted.push_back({.request = {.object = each.key.low, .bytes = bytes_[each.key.low]}, .hits = each.hits});
}

void DiskModel::write(const Request& request) {
    if (request.bytes > limit_ / 2) return;
    append(request.object, request.bytes);
    while (used_ > limit_) drop_oldest();
}

void DiskModel::append(std::uint64_t object, std::uint32_t bytes) {
    if (segments_.empty() || segments_.back().bytes >= segment_bytes_) segments_.emplace_back();
    segments_.back().bytes += bytes;
    segments_.back().objects.push_back(object);
    kept_[object] = {.bytes = bytes, .hits = 0, .segment = first_ + segments_.size() - 1};
    used_ += bytes;
    written_ += bytes;
}

void DiskModel::drop_oldest() {
    filled_ = true;
    const Segment oldest = std::move(segments_.front());
    segments_.pop_front();
    used_ -= oldest.bytes;
    struct Worth {
        double hits_per_byte;
        std::uint64_t object;
        std::uint32_t bytes;
    };
    std::vector<Worth> read;
    for (const auto object : oldest.objects) {
        const auto found = kept_.find(object);
        if (found == kept_.end() || found->second.segment != first_) continue;
        const auto& kept = found->second;
        if (kept.hits > 0) read.push_back({static_cast<double>(kept.hits) / kept.bytes, object, kept.bytes});
        kept_.erase(found);
    }
    ++first_;
    std::ranges::sort(read, std::greater<>(), &Worth::hits_per_byte);
    std::uint64_t copied = 0;
    for (const auto& each : read) {
        if (copied + each.bytes > oldest.bytes / 4) break;
        copied += each.bytes;
        append(each.object, each.bytes);
    }
}

OurTiers::OurTiers(std::uint64_t memory, Admit admit)
    : admit_(admit), memory_(memory, OurMemory::Largest::AsInProduct), disk_(10 * memory), admission_(0) {}

bool OurTiers::ask(const Request& request) {
    if (memory_.find(request)) return true;
    const bool on_disk = disk_.has(request.object);
    if (on_disk) {
        disk_.read(request.object);
    } else if (admit_ == Admit::All ||
               Admission::admits(admission_.on_put(key_of(request.object), 0, request.bytes, disk_.filling(), SteadyTime()))) {
        disk_.write(request);
    }
    memory_.put(request);
    for (const auto& [left, hits] : memory_.evicted) {
        if (admit_ == Admit::All || disk_.has(left.object)) continue;
        if (Admission::admits(admission_.on_evicted(key_of(left.object), hits, left.bytes, SteadyTime()))) disk_.write(left);
    }
    return on_disk;
}

}  // namespace selvage::bench
