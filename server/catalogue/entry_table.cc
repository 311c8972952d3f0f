#include "server/catalogue/entry_table.h"

#include <algorithm>
#include <utility>

namespace selvage::catalogue {
namespace {

// More shards than cores, so that two loops seldom meet; one when the bound is so small that shards would make it inexact.
std::size_t shards_for(unsigned most) { return most >= 1024 ? 32 : 1; }

// The first text that is larger than all that begin with `prefix`, which ends in '/'.
std::string after_all_below(std::string_view prefix) {
    std::string end(prefix);
    end.back() = static_cast<char>('/' + 1);
    return end;
}

template <typename Ordered>
auto range_below(Ordered& ordered, std::string_view folder) {
    return std::pair(ordered.lower_bound(folder), ordered.lower_bound(std::string_view(after_all_below(folder))));
}

}  // namespace

void Look::finish(Result<Entry> outcome) {
    {
        const std::lock_guard lock(mutex_);
        outcome_ = std::move(outcome);
    }
    changed_.notify_all();
}

Result<Entry> Look::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return outcome_.has_value(); });
    return *outcome_;
}

EntryTable::EntryTable(unsigned most) {
    const std::size_t count = shards_for(most);
    for (std::size_t i = 0; i < count; ++i) shards_.push_back(std::make_unique<Shard>());
    most_per_shard_ = std::max<std::size_t>(1, most / count);
}

std::optional<Finding> EntryTable::find(std::string_view path, SteadyTime now) {
    Shard& shard = shard_of(path);
    const std::lock_guard lock(shard.mutex);
    const auto slot = shard.slots.find(path);
    if (slot == shard.slots.end() || slot->second.remembered.expires <= now) return std::nullopt;
    slot->second.touched = true;
    return Finding{.entry = slot->second.remembered.entry, .until = slot->second.remembered.expires};
}

EntryTable::Turn EntryTable::begin(const std::string& path) {
    Shard& shard = shard_of(path);
    const std::lock_guard lock(shard.mutex);
    auto [look, mine] = shard.looks.try_emplace(path);
    if (!mine) return {.look = look->second, .mine = false, .before = {}};
    look->second = std::make_shared<Look>();
    Turn turn{.look = look->second, .mine = true, .before = {}};
    if (const auto slot = shard.slots.find(path); slot != shard.slots.end()) turn.before = slot->second.remembered;
    return turn;
}

void EntryTable::settle(const std::string& path, const std::shared_ptr<Look>& look, std::optional<Remembered> found) {
    Shard& shard = shard_of(path);
    const std::lock_guard lock(shard.mutex);
    const auto mark = shard.looks.find(path);
    if (mark == shard.looks.end() || mark->second != look) return;
    shard.looks.erase(mark);
    if (!found) {
        if (const auto slot = shard.slots.find(path); slot != shard.slots.end()) shard.erase(slot);
        return;
    }
    if (const auto slot = shard.slots.find(path); slot != shard.slots.end()) {
        slot->second.remembered = *std::move(found);
        return;
    }
    while (shard.slots.size() >= most_per_shard_) shard.evict_one();
    // Something that exists is spared the first round of the clock; an absence is not, so that a scan for what is not there does
    // not drive out what is.
    const bool exists = !std::holds_alternative<Absent>(found->entry);
    const auto slot =
        shard.slots.emplace(path, Slot{.remembered = *std::move(found), .place = shard.ring.size(), .touched = exists}).first;
    shard.ordered.insert(slot->first);
    shard.ring.push_back(&*slot);
}

SourcePtr EntryTable::forget(std::string_view path) {
    Shard& shard = shard_of(path);
    const std::lock_guard lock(shard.mutex);
    if (const auto mark = shard.looks.find(path); mark != shard.looks.end()) shard.looks.erase(mark);
    const auto slot = shard.slots.find(path);
    if (slot == shard.slots.end()) return nullptr;
    const auto* remembered = std::get_if<SourcePtr>(&slot->second.remembered.entry);
    SourcePtr source = remembered ? *remembered : nullptr;
    shard.erase(slot);
    return source;
}

void EntryTable::doubt(std::string_view path) {
    Shard& shard = shard_of(path);
    const std::lock_guard lock(shard.mutex);
    if (const auto mark = shard.looks.find(path); mark != shard.looks.end()) shard.looks.erase(mark);
    if (const auto slot = shard.slots.find(path); slot != shard.slots.end()) slot->second.remembered.expires = SteadyTime::min();
}

void EntryTable::forget_below(std::string_view folder) {
    for (const auto& shard : shards_) {
        const std::lock_guard lock(shard->mutex);
        const auto [first_mark, last_mark] = range_below(shard->looks, folder);
        shard->looks.erase(first_mark, last_mark);
        auto [next, last] = range_below(shard->ordered, folder);
        while (next != last) shard->erase(shard->slots.find(*next++));
    }
}

void EntryTable::forget_everything() {
    for (const auto& shard : shards_) {
        const std::lock_guard lock(shard->mutex);
        shard->looks.clear();
        shard->ordered.clear();
        shard->ring.clear();
        shard->slots.clear();
        shard->hand = 0;
    }
}

std::uint64_t EntryTable::size() const {
    std::uint64_t total = 0;
    for (const auto& shard : shards_) {
        const std::lock_guard lock(shard->mutex);
        total += shard->slots.size();
    }
    return total;
}

std::uint64_t EntryTable::evicted() const {
    std::uint64_t total = 0;
    for (const auto& shard : shards_) {
        const std::lock_guard lock(shard->mutex);
        total += shard->evicted;
    }
    return total;
}

void EntryTable::Shard::erase(Slots::iterator slot) {
    const std::size_t place = slot->second.place;
    ring[place] = ring.back();
    ring[place]->second.place = place;
    ring.pop_back();
    ordered.erase(slot->first);
    slots.erase(slot);
}

void EntryTable::Shard::evict_one() {
    for (;;) {
        hand = hand < ring.size() ? hand : 0;
        Slots::value_type& candidate = *ring[hand];
        if (std::exchange(candidate.second.touched, false)) {
            ++hand;
            continue;
        }
        erase(slots.find(std::string_view(candidate.first)));
        ++evicted;
        return;
    }
}

}  // namespace selvage::catalogue
