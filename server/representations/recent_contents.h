#pragma once

#include <chrono>
#include <cstddef>
#include <unordered_map>
#include <utility>

#include "base/digest.h"
#include "base/time.h"

namespace selvage::representations {

// What is known of sources that were met of late, by their content: of `most` at most, each for `age` after it was last looked
// for, unless there are more, and at most twice as long. Two tables, of which the older one is dropped as a whole: no order is
// kept.
template <typename Value>
class RecentContents {
public:
    RecentContents(std::size_t most, std::chrono::seconds age) : most_(most / 2), age_(age) {}

    // Null: not known. Valid until the next call.
    Value* find(const Sha256& content, SteadyTime now) {
        turn(now);
        if (const auto place = young_.find(content); place != young_.end()) return &place->second;
        auto node = old_.extract(content);
        return node ? &young_.insert(std::move(node)).position->second : nullptr;
    }

    Value& find_or_add(const Sha256& content, SteadyTime now) {
        if (Value* known = find(content, now)) return *known;
        return young_[content];
    }

    std::size_t size() const { return young_.size() + old_.size(); }

private:
    void turn(SteadyTime now) {
        if (young_.size() < most_ && now - turned_ < age_) return;
        const bool nobody_came = now - turned_ >= 2 * age_;  // both are that old
        old_ = std::exchange(young_, {});
        if (nobody_came) old_.clear();
        turned_ = now;
    }

    std::size_t most_;  // in one table
    std::chrono::seconds age_;
    SteadyTime turned_{};
    std::unordered_map<Sha256, Value> young_, old_;
};

}  // namespace selvage::representations
