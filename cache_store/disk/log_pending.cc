#include "cache_store/disk/log_pending.h"

#include <utility>

namespace selvage::cache_store {

std::uint64_t waiting_bytes(const Object& object) {
    const std::uint64_t body = object.body ? object.body->size() : 0;
    return kRecordHeader + object.tags.size() * sizeof(Tag) + object.meta.size() + body;
}

ObjectPtr with_lifetimes(Object object, const Lifetimes& lifetimes) {
    object.lifetimes = lifetimes;
    return std::make_shared<const Object>(std::move(object));
}

const Pending::Entry* Pending::find(const Key128& key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
}

void Pending::push(Waiting item) {
    bytes_ += item.bytes;
    queued_ += item.bytes;
    queue_.push_back(std::move(item));
}

void Pending::put(const Key128& key, ObjectPtr object) {
    const std::uint64_t bytes = waiting_bytes(*object);
    entries_[key] = {.object = object, .object_ticket = ++tickets_};
    push({.type = RecordType::Object, .key = key, .object = std::move(object), .ticket = tickets_, .bytes = bytes});
}

void Pending::refresh(const Key128& key, const Lifetimes& lifetimes) {
    Entry& entry = entries_[key];
    ++tickets_;
    if (entry.object) entry.object = with_lifetimes(*entry.object, lifetimes);
    entry.lifetimes = lifetimes;
    entry.lifetimes_ticket = tickets_;
    push({.type = RecordType::Lifetimes,
          .key = key,
          .object = entry.object,
          .lifetimes = lifetimes,
          .ticket = tickets_,
          .bytes = kRecordHeader});
}

void Pending::erase(const Key128& key, bool tombstone) {
    entries_.erase(key);
    if (tombstone) push({.type = RecordType::Tombstone, .key = key, .ticket = ++tickets_, .bytes = kRecordHeader});
}

Waiting Pending::carry(const Key128& key, ObjectPtr object, std::uint8_t hits) {
    Waiting item{.type = RecordType::Object, .key = key, .object = object, .ticket = ++tickets_, .hits = hits, .carried = true};
    Entry& entry = entries_[key];
    if (!entry.object) {
        entry.object = entry.lifetimes ? with_lifetimes(*object, *entry.lifetimes) : std::move(object);
        entry.object_ticket = item.ticket;
    }
    return item;
}

std::vector<Waiting> Pending::take(std::uint64_t bytes) {
    std::vector<Waiting> taken;
    for (std::uint64_t sum = 0; !queue_.empty() && sum < bytes;) {
        sum += queue_.front().bytes;
        queued_ -= queue_.front().bytes;
        taken.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    return taken;
}

std::uint64_t Pending::oldest_birth() const {
    std::uint64_t oldest = UINT64_MAX;
    for (const auto& [key, entry] : entries_) {
        if (entry.object) oldest = std::min(oldest, entry.object->birth);
    }
    return oldest;
}

bool Pending::settle(const Waiting& item) {
    bytes_ -= item.bytes;
    const auto found = entries_.find(item.key);
    if (found == entries_.end()) return false;
    Entry& entry = found->second;
    if (item.type == RecordType::Object && entry.object_ticket == item.ticket) {
        entry.object = nullptr;
        entry.object_ticket = 0;
    } else if (item.type == RecordType::Lifetimes && entry.lifetimes_ticket == item.ticket) {
        entry.lifetimes.reset();
        entry.lifetimes_ticket = 0;
    } else {
        return false;
    }
    if (!entry.object && !entry.lifetimes) entries_.erase(found);
    return true;
}

}  // namespace selvage::cache_store
