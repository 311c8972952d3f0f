#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/file_descriptor.h"
#include "base/result.h"
#include "base/time.h"
#include "server/loop/operation.h"
#include "server/representations/fills.h"
#include "transforms/worker/protocol.h"

namespace selvage::representations {

struct TransformJob {
    FileDescriptor source;  // sealed memory
    std::uint64_t source_size = 0;
    Sha256 content;  // names the source: what crashes workers twice is refused for a while
    transforms::Original original;
    transforms::Order order;
    std::chrono::microseconds cost{0};  // of a worker's time, as far as one can tell (transform_cost.h)
    Wanted wanted;                      // asked while it waits and when its turn comes: a job nobody waits for is skipped
};

struct TransformResult {
    transforms::worker::Done done;
    FileDescriptor output;
};

// Jobs that wait for a worker: bounded, and in no fixed order. Whose turn it is is decided when a worker is free, by what is true
// then: a job that a client waits for before one that is made in the background, whoever came first; among equals the one whose
// patience ends first, which is kPatience times its cost after it came. So what is cheap goes before what is expensive, but not
// what comes so much later: nothing starves, also when more comes than can be done. (The highest response ratio, waited / cost,
// does let the expensive ones starve then: a backlog of cheap ones always has the higher one.)
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

        bool unwanted() const { return !interest->wanted() || !job.wanted(); }
        void settle(Result<TransformResult> result) {
            interest->end([&] { done(std::move(result)); });
        }
        void skip() { settle(fail(ErrorKind::Cancelled, "nobody waits for it any more")); }
    };

    static constexpr int kPatience = 4;

    explicit TransformQueue(std::size_t most) : most_(most) {}

    // Whether there is room for it: a client's job may take the place of a background one.
    bool has_room(const TransformJob& job) const;
    // Only when there is room. The job whose place it took, for the caller to settle.
    std::optional<Entry> push(Entry entry);

    // Whose turn it is; nothing: empty.
    std::optional<Entry> next();

    std::vector<Entry> take_unwanted();
    std::vector<Entry> take_older_than(SteadyTime oldest);

    std::size_t size() const { return entries_.size(); }
    bool empty() const { return entries_.empty(); }

private:
    using Entries = std::deque<Entry>;
    Entries::const_iterator youngest_background() const;
    Entry take_out(const Entries::const_iterator& place);
    std::vector<Entry> take_if(const std::function<bool(const Entry&)>& which);

    std::size_t most_;
    Entries entries_;  // in the order in which they came
};

}  // namespace selvage::representations
