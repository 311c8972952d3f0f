#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/digest.h"
#include "base/time.h"
#include "cache_store/stats.h"

namespace selvage::cache_store {

// Brings back into memory what was hot before a restart, the hottest first, a slice per second. Not thread-safe.
class WarmUp {
public:
    // Of the seconds between two slices: half, so that the disk's other half is for who waits.
    static constexpr auto kSlice = std::chrono::milliseconds(500);

    enum class Loaded : std::uint8_t { Yes, Missing, Full };  // Full: memory has no room left

    void begin(std::vector<Key128> keys);
    // Loads one after another until the slice is over. True when this call ended it.
    bool step(const std::function<SteadyTime()>& now, const std::function<Loaded(const Key128&)>& load);

    bool done() const { return next_ == keys_.size(); }
    WarmUpStats stats() const { return {.listed = listed_, .loaded = loaded_, .missing = missing_, .done = done()}; }

private:
    std::vector<Key128> keys_;
    std::size_t next_ = 0;
    std::uint64_t listed_ = 0, loaded_ = 0, missing_ = 0;
};

}  // namespace selvage::cache_store
