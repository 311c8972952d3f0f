#include "server/representations/transform_queue.h"

#include <algorithm>
#include <utility>

namespace selvage::representations {

namespace {

// What decides: a client's first, then whose patience ends first; among equals who came first.
struct Turn {
    bool by_client;
    SteadyTime patience;
    bool before(const Turn& other) const { return by_client != other.by_client ? by_client : patience < other.patience; }
};

Turn turn_of(const TransformQueue::Entry& entry) {
    return {entry.job.wanted.by_client(), entry.since + TransformQueue::kPatience * entry.job.cost};
}

}  // namespace

bool TransformQueue::has_room(const TransformJob& job) const {
    if (entries_.size() < most_) return true;
    return job.wanted.by_client() && youngest_background() != entries_.end();
}

std::optional<TransformQueue::Entry> TransformQueue::push(Entry entry) {
    std::optional<Entry> displaced;
    if (entries_.size() >= most_) displaced = take_out(youngest_background());
    entries_.push_back(std::move(entry));
    return displaced;
}

std::optional<TransformQueue::Entry> TransformQueue::next() {
    if (entries_.empty()) return std::nullopt;
    auto best = entries_.cbegin();
    Turn first = turn_of(*best);
    for (auto place = std::next(best); place != entries_.cend(); ++place) {
        const Turn turn = turn_of(*place);
        if (!turn.before(first)) continue;
        best = place;
        first = turn;
    }
    return take_out(best);
}

std::vector<TransformQueue::Entry> TransformQueue::take_unwanted() {
    return take_if([](const Entry& entry) { return entry.unwanted(); });
}

std::vector<TransformQueue::Entry> TransformQueue::take_older_than(SteadyTime oldest) {
    return take_if([oldest](const Entry& entry) { return entry.since < oldest; });
}

TransformQueue::Entries::const_iterator TransformQueue::youngest_background() const {
    const auto found =
        std::find_if(entries_.crbegin(), entries_.crend(), [](const Entry& entry) { return !entry.job.wanted.by_client(); });
    return found == entries_.crend() ? entries_.cend() : std::prev(found.base());
}

TransformQueue::Entry TransformQueue::take_out(const Entries::const_iterator& place) {
    const auto mutable_place = entries_.begin() + (place - entries_.cbegin());
    Entry taken = std::move(*mutable_place);
    entries_.erase(mutable_place);
    return taken;
}

std::vector<TransformQueue::Entry> TransformQueue::take_if(const std::function<bool(const Entry&)>& which) {
    Entries kept;
    std::vector<Entry> taken;
    for (Entry& entry : entries_) {
        if (which(entry)) {
            taken.push_back(std::move(entry));
        } else {
            kept.push_back(std::move(entry));
        }
    }
    entries_ = std::move(kept);
    return taken;
}

}  // namespace selvage::representations
