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
    // Counted by the loop alone whose counters they are:
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
    TransformBatches,
    TransformBatchedOrders,
    TransformMemoryWaits,
    SourcesPoisoned,
    WorkerStarts,
    WorkerRestarts,
    FillsStarted,
    FillsCoalesced,
    FillsUnderWay,
    FillWaiters,
    FillsCancelled,
    FillsTimedOut,
    FillFailuresRemembered,
    StaleWhileRevalidate,
    StaleIfError,
    ImageUpgrades,
    ImagesInBackground,
    ImageSiblings,
    ImageFallbackSlow,
    ImageFallbackCrowded,
    MezzaninesMade,
    MezzaninesUsed,
    DictionariesOffered,
    DeltasFromStore,
    DeltasMadeNow,
    DeltasOfNoUse,
    DeltasNotReady,
    DictionariesUnknown,
    DeltaBytesSaved,
    ReloadsOk,
    ReloadsFailed,
    AccessLogDropped,
    // Counted by any thread: the work pool encodes.
    CodingsMade,
    CodingsWithoutGain,
    DeltasMade,
    DeltasWithoutGain,
    DeltasFailed,
    AccessLogLost,
    HintsGathered,
    BackgroundPauses,
    kCount
};
inline constexpr Counter kFirstShared = Counter::CodingsMade;

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

// A number that one thread counts up and any may read. A load and a store: a locked addition takes about 18 cycles, and a request
// counts in half a dozen places.
class OwnCount {
public:
    void add(std::uint64_t amount) { value_.store(load() + amount, std::memory_order_relaxed); }
    void subtract(std::uint64_t amount) { value_.store(load() - amount, std::memory_order_relaxed); }
    std::uint64_t load() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

// A number that any thread counts up: for what is rare.
class SharedCount {
public:
    void add(std::uint64_t amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
    std::uint64_t load() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

struct Histogram {
    std::array<OwnCount, kBuckets.size() + 1> buckets{};
    OwnCount sum_us;
};

// The counters of one loop, read by /metrics from another. Its own thread alone may call what is not said to be any thread's.
//
// Aligned to two cache lines, which processors fetch in pairs: what one loop counts never slows another down.
class alignas(128) Counters final : public SessionObserver {
public:
    void add(Counter counter, std::uint64_t amount = 1) {  // from kFirstShared on: any thread
        if (counter < kFirstShared) {
            own_[place(counter)].add(amount);
        } else {
            shared_[place(counter) - kOwn].add(amount);
        }
    }
    void subtract(Counter gauge) { own_[place(gauge)].subtract(1); }
    void observe(Duration duration, std::chrono::microseconds value);
    void count(const Request& request, const Outcome& outcome);
    void limit_hit(LimitHit limit) override { limits_[static_cast<std::size_t>(limit)].add(1); }  // any thread

    std::uint64_t value(Counter counter) const {
        return counter < kFirstShared ? own_[place(counter)].load() : shared_[place(counter) - kOwn].load();
    }
    std::uint64_t value(LimitHit limit) const { return limits_[static_cast<std::size_t>(limit)].load(); }
    std::uint64_t requests(Protocol protocol, std::size_t status_slot, Verdict verdict) const;
    const Histogram& histogram(Duration duration) const { return histograms_[static_cast<std::size_t>(duration)]; }

    // The statuses that are told apart, with a last slot for any other.
    static std::span<const std::uint16_t> statuses();

private:
    static constexpr std::size_t kOwn = static_cast<std::size_t>(kFirstShared);
    static constexpr std::size_t kShared = static_cast<std::size_t>(Counter::kCount) - kOwn;
    static constexpr std::size_t kProtocols = 3, kStatusSlots = 32, kVerdicts = http::kVerdicts;  // a cache line per status
    static constexpr std::size_t place(Counter counter) { return static_cast<std::size_t>(counter); }
    static std::size_t request_place(Protocol protocol, std::size_t status_slot, Verdict verdict) {
        return (static_cast<std::size_t>(protocol) * kStatusSlots + status_slot) * kVerdicts + static_cast<std::size_t>(verdict);
    }

    std::array<OwnCount, kOwn> own_{};
    std::array<Histogram, static_cast<std::size_t>(Duration::kCount)> histograms_{};
    alignas(64) std::array<OwnCount, kProtocols * kStatusSlots * kVerdicts> requests_{};
    std::array<SharedCount, kShared> shared_{};
    std::array<SharedCount, static_cast<std::size_t>(LimitHit::kCount)> limits_{};
};

}  // namespace selvage::http
