#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/file_descriptor.h"
#include "base/result.h"
#include "base/time.h"
#include "server/loop/operation.h"
#include "server/representations/fills.h"
#include "server/representations/transform_cost.h"
#include "transforms/worker/protocol.h"

namespace selvage::representations {

struct TransformJob {
    FileDescriptor source;  // sealed memory
    std::uint64_t source_size = 0;
    Sha256 content;  // names the source: what crashes workers twice is refused for a while
    transforms::Original original;
    transforms::Order order;
    TransformCost cost;    // as far as one can tell
    std::string name;      // of the source, for the log
    bool drawing = false;  // an SVG: image.svg_cpu is its limit
    Wanted wanted;         // asked while it waits and when its turn comes: a job nobody waits for is skipped
};

struct TransformResult {
    transforms::worker::Done done;
    FileDescriptor output;
};

// What keeps jobs apart: each lane has its own bound, so that none can fill the queue of another.
enum class Lane : std::uint8_t {
    Light,       // a client waits for what is cheap
    Heavy,       // a client waits for what is expensive
    Background,  // nobody waits
};

// Jobs that wait for a worker: bounded, and in no fixed order. Whose turn it is is decided when a worker is free, by what is true
// then: a job that a client waits for before one that is made in the background, whoever came first; among equals the one whose
// patience ends first, which is kPatience times its cost after it came. So what is cheap goes before what is expensive, but not
// what comes so much later: nothing starves, also when more comes than can be done. (The highest response ratio, waited / cost,
// does let the expensive ones starve then: a backlog of cheap ones always has the higher one.)
//
// With it go those that wait for other images of the same source: it is decoded once for all of them.
//
// A turn looks at all jobs: 128 of them, as by default for two workers, take some microseconds.
class TransformQueue {
public:
    using Done = std::move_only_function<void(Result<TransformResult>)>;

    struct Entry {
        TransformJob job;
        Done done;
        loop::InterestPtr interest;
        SteadyTime since;
        std::optional<SteadyTime> client_since{};  // kept by the queue: since when a client waits for it
        bool alone = false;                        // it was in a batch whose worker was lost: not with others again

        bool unwanted() const { return !interest->wanted() || !job.wanted(); }
        Lane lane() const;
        void settle(Result<TransformResult> result) {
            interest->end([&] { done(std::move(result)); });
        }
        void skip() { settle(fail(ErrorKind::Cancelled, "nobody waits for it any more")); }
    };

    static constexpr int kPatience = 4;
    // From here on a job is expensive. What may be answered at once stays below (image-urls §3, AVIF); who waits behind one such
    // job at each worker still waits for less than what people notice.
    static constexpr std::chrono::milliseconds kHeavy{150};
    // A source that costs as much to decode is worth waiting for others of the same: the window is a fraction of what is saved.
    static constexpr std::chrono::milliseconds kWorthGathering{10};

    struct Bounds {
        std::size_t light = 8, heavy = 1, background = 8;                         // jobs
        std::chrono::microseconds light_cost = std::chrono::microseconds::max();  // of the light ones together
    };

    // What a free worker may be given now.
    struct Room {
        SteadyTime now;
        std::chrono::milliseconds gather{0};  // how long a job waits for others of its source, after each that comes
        bool unhurried = true;                // may it be kept for long, or by what nobody waits for?
        std::uint64_t memory = std::numeric_limits<std::uint64_t>::max();
    };

    // Jobs of one source, the first by turn first.
    struct Batch {
        std::vector<Entry> entries;
        std::chrono::microseconds cost{0};
        std::uint64_t memory = 0;
        bool unhurried = false;  // expensive as a whole, or of the background
        bool empty() const { return entries.empty(); }
    };
    struct Choice {
        Batch batch;                       // empty: nothing that waits may begin
        bool short_of_memory = false;      // something would have begun, but for its memory
        std::optional<SteadyTime> ripens;  // when the next of those is ready that still wait for others of their source
    };

    explicit TransformQueue(Bounds bounds) : bounds_(bounds) {}

    bool has_room(const TransformJob& job) const;
    bool has_room(Lane lane, std::chrono::microseconds cost = {}) const;
    void push(Entry entry);  // also what has had a place already

    // Whose turn it is. What is unwanted should be taken out before.
    Choice next(const Room& room);

    std::vector<Entry> take_unwanted();
    // What a client has waited for for longer. What nobody waits for may do so until its flight ends.
    std::vector<Entry> take_late(SteadyTime now, std::chrono::milliseconds patience);

    std::size_t size() const { return entries_.size(); }
    std::size_t size(Lane lane) const;
    std::chrono::microseconds client_cost() const;  // of all that clients wait for
    bool empty() const { return entries_.empty(); }

    static Lane lane_of(const TransformJob& job);

    // What decides: a client's first, then whose patience ends first; among equals who came first.
    struct Turn {
        std::size_t place;  // in the queue
        bool by_client;
        SteadyTime patience;
    };

private:
    bool may_begin(const Turn& turn, const Room& room, Choice& choice) const;
    std::vector<Entry> take_if(const std::function<bool(const Entry&)>& which);
    std::vector<Entry> take_out(std::span<const std::size_t> places);

    Bounds bounds_;
    std::deque<Entry> entries_;  // in the order in which they came
};

}  // namespace selvage::representations
