#include "server/representations/poison_list.h"

namespace selvage::representations {

bool PoisonList::refuses(const Sha256& content, SteadyTime now) const {
    const auto place = places_.find(content);
    if (place == places_.end()) return false;
    return place->second->count >= kToRefuse && now - place->second->last <= kRefusal;
}

bool PoisonList::crashed(const Sha256& content, SteadyTime now) {
    const auto [place, is_new] = places_.try_emplace(content, entries_.begin());
    if (is_new) {
        entries_.push_front({.content = content, .count = 0, .last = {}});
        place->second = entries_.begin();
    } else {
        entries_.splice(entries_.begin(), entries_, place->second);
    }
    Crashes& entry = entries_.front();
    if (now - entry.last > kRefusal) entry.count = 0;
    entry.last = now;
    const bool refused_now = ++entry.count == kToRefuse;
    if (entries_.size() > most_) {
        places_.erase(entries_.back().content);
        entries_.pop_back();
    }
    return refused_now;
}

}  // namespace selvage::representations
