#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "server/http/message.h"
#include "server/http/session.h"

namespace selvage::http {

// One row per counter in counters.cc: its name in /metrics, its labels and its help text come from there.
enum class Counter : std::uint8_t {
    ConnectionsAccepted,
    ConnectionsOpen,
    BodyBytes,
    IncompleteResponses,
    TransformJpeg,
    TransformPng,
    TransformWebp,
    TransformAvif,
    TransformGif,
    TransformOk,
    TransformRefused,
    TransformTimedOut,
    TransformCrashed,
    TransformOverloaded,
    WorkerStarts,
    WorkerRestarts,
    CodingsMade,
    CodingsWithoutGain,
    FillsStarted,
    FillsCoalesced,
    ReloadsOk,
    ReloadsFailed,
    AccessLogDropped,
    kCount
};

enum class Kind : std::uint8_t { Counter, Gauge };

struct CounterRow {
    Counter counter;
    Kind kind;
    std::string_view name;    // without the "selvage_" prefix
    std::string_view labels;  // `format="jpeg"` or ""
    std::string_view help;
};
extern const std::array<CounterRow, static_cast<std::size_t>(Counter::kCount)> kCounters;

std::string_view name_of(LimitHit limit);  // the option's name, the label of selvage_limit_hits_total
std::string_view name_of(Protocol protocol);

enum class Duration : std::uint8_t { Request, FirstByte, Transform, kCount };
struct DurationRow {
    Duration duration;
    std::string_view name;
    std::string_view help;
};
extern const std::array<DurationRow, static_cast<std::size_t>(Duration::kCount)> kDurations;
// Upper bounds in microseconds; the last bucket has none.
inline constexpr std::array<std::uint64_t, 14> kBuckets = {100,    250,    500,     1'000,   2'500,     5'000,     10'000,
                                                           25'000, 50'000, 100'000, 250'000, 1'000'000, 2'500'000, 10'000'000};

struct Histogram {
    std::array<std::atomic<std::uint64_t>, kBuckets.size() + 1> buckets{};
    std::atomic<std::uint64_t> sum_us{0};
};

// The counters of one loop: written by it alone with relaxed stores, read by /metrics.
class Counters final : public SessionObserver {
public:
    void add(Counter counter, std::uint64_t amount = 1) {
        counters_[static_cast<std::size_t>(counter)].fetch_add(amount, std::memory_order_relaxed);
    }
    void subtract(Counter counter) { counters_[static_cast<std::size_t>(counter)].fetch_sub(1, std::memory_order_relaxed); }
    void observe(Duration duration, std::chrono::microseconds value);
    void count(const Request& request, const Outcome& outcome);
    void limit_hit(LimitHit limit) override { limits_[static_cast<std::size_t>(limit)].fetch_add(1, std::memory_order_relaxed); }

    std::uint64_t value(Counter counter) const {
        return counters_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
    }
    std::uint64_t value(LimitHit limit) const { return limits_[static_cast<std::size_t>(limit)].load(std::memory_order_relaxed); }
    std::uint64_t requests(Protocol protocol, std::size_t status_slot, Verdict verdict) const;
    const Histogram& histogram(Duration duration) const { return histograms_[static_cast<std::size_t>(duration)]; }

    // The statuses that are told apart, with a last slot for any other.
    static std::span<const std::uint16_t> statuses();

private:
    static constexpr std::size_t kProtocols = 3, kStatusSlots = 32, kVerdicts = 7;

    std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Counter::kCount)> counters_{};
    std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(LimitHit::kCount)> limits_{};
    std::array<Histogram, static_cast<std::size_t>(Duration::kCount)> histograms_{};
    std::array<std::atomic<std::uint64_t>, kProtocols * kStatusSlots * kVerdicts> requests_{};
};

}  // namespace selvage::http
