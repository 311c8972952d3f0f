#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "base/digest.h"
#include "base/time.h"
#include "cache_store/memory/recent_keys.h"
#include "cache_store/stats.h"

namespace selvage::cache_store {

// Which objects are worth a write to the disk. An object is written when it cost at least kCostly to make; when it is put for the
// second time within the window that is remembered; when it leaves memory having been hit; and everything while the disk fills
// for the first time; within a budget of bytes per second.
//
// Source: cache-store.md decision 4: 2–4 times fewer bytes written than with everything admitted. Thread-safe; never blocks.
class Admission {
public:
    static constexpr std::uint32_t kCostly = 50;  // ms
    static constexpr double kBurst = 4;  // seconds of the rate that may be spent at once: longer than a page's images take

    enum class Reason : std::uint8_t { FirstFill, Costly, SeenAgain, HitInMemory, NotYet, NeverHit, OverBudget };
    static constexpr bool admits(Reason reason) { return reason < Reason::NotYet; }

    // `remembered`: how many keys the window holds at most, and half of them at least; 16 bytes each.
    explicit Admission(std::uint64_t bytes_per_second, std::size_t remembered = 1U << 17);

    // When an object comes. `filling`: the disk has never been full.
    Reason on_put(const Key128& key, std::uint32_t cost_ms, std::uint64_t bytes, bool filling, SteadyTime now);
    // When it leaves memory, and is not on the disk.
    Reason on_evicted(const Key128& key, std::uint32_t hits, std::uint64_t bytes, SteadyTime now);

    void set_rate(std::uint64_t bytes_per_second);  // 0: any
    AdmissionStats stats() const;

private:
    bool affordable(std::uint64_t bytes, SteadyTime now);
    void count(Reason reason);
    Reason spend(Reason reason, std::uint64_t bytes, SteadyTime now);

    mutable std::mutex mutex_;
    RecentKeys seen_;
    double rate_;    // bytes per second; 0: any
    double tokens_;  // bytes; less than nothing after a write that was larger than what was left
    std::optional<SteadyTime> refilled_;
    AdmissionStats stats_;
};

}  // namespace selvage::cache_store
