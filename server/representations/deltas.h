#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "cache_store/store.h"
#include "config/config.h"
#include "server/http/counters.h"
#include "server/releases/history.h"
#include "server/representations/background_queue.h"
#include "server/representations/codings.h"
#include "server/representations/select.h"
#include "server/representations/stored.h"
#include "transforms/encodings/dcz.h"

namespace selvage::representations {

// What is known of one content as a difference to another, for all who serve it. Thread-safe.
class Delta {
public:
    Delta(const Sha256& target, const Sha256& dictionary);

    // Certainly of no use where this is to be beaten: the best one may be smaller than the fast one, but not by that much.
    bool useless(const DeltaTerms& terms) const;
    // What there is, or was, does not pay: it need not be made again for these terms.
    bool fails(const DeltaTerms& terms) const;

private:
    friend class Deltas;
    const Key128 best_, fast_;  // in the store
    std::atomic<std::uint64_t> size_{kUnknown};
    std::atomic<bool> is_best_{false};        // that is the size of the best one
    std::atomic<bool> making_{false};         // the fast one, for clients that wait
    std::atomic<bool> improving_{false};      // the best one, in the background
    std::atomic<std::uint64_t> improved_{0};  // one above the birth of the best one; 0: to be made
};
using DeltaPtr = std::shared_ptr<Delta>;

// One content in the place of another.
struct DeltaPair {
    std::string path;  // of the target, for logs
    Sha256 target;
    std::uint64_t size = 0;                                        // of the target, bytes
    std::function<Result<void>(std::string& room)> append_target;  // its bytes, behind what is there; blocks
    std::shared_ptr<releases::History> history;                    // has the dictionary
    Sha256 dictionary;
    int fast_level = transforms::kDczFast;  // while a client waits
};

// Differences of contents to earlier ones (dcz, RFC 9842), made once per pair: fast while clients wait, the smallest of several
// in the background. One per process, thread-safe. static-delivery §5.
//
// A pair's key in the store covers both contents and the encoders' epoch; a purge of either content drops it. The best are kept
// in both tiers, the fast ones only in memory. What saves too little is not kept: its size is remembered, for some 100,000 pairs,
// until the process ends: to find out again costs a fast coding.
class Deltas {
    // What work that waits in the queue or the pool may still look at when we have gone.
    struct Life {
        std::mutex working;
        std::atomic<bool> over{false};
        std::atomic<std::uint64_t> turns{0};  // taken: bytes of what is made
    };

public:
    Deltas(cache_store::Store& store, BackgroundQueue& queue, http::Counters& counters, Log& log, unsigned cores)
        : store_(store), queue_(queue), counters_(counters), log_(log), cores_(cores) {}
    ~Deltas();  // waits for the step under way of what the queue does for it; what waits there comes to nothing
    Deltas(const Deltas&) = delete;
    Deltas& operator=(const Deltas&) = delete;

    void set_limits(const config::Dictionaries& limits);

    // Worth looking at? `target`, `dictionary`: bytes.
    static bool may_gain(std::uint64_t target, std::uint64_t dictionary);

    DeltaPtr of(const Sha256& target, const Sha256& dictionary);

    // The best in memory, else the fast one in memory.
    std::optional<Coded> find(const Delta& delta, const cache_store::Floor& floor);
    // The best from the disk, when that needs no waiting.
    std::optional<Coded> fetch_now(Delta& delta, const cache_store::Floor& floor);

    // One that is made while clients wait. Dropped when its making is over; may outlive us.
    class Turn {
    public:
        ~Turn();
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        friend class Deltas;
        Turn(std::shared_ptr<Life> life, DeltaPtr delta, std::uint64_t weight)
            : life_(std::move(life)), delta_(std::move(delta)), weight_(weight) {}
        std::shared_ptr<Life> life_;
        DeltaPtr delta_;  // null: another makes it
        std::uint64_t weight_;
    };
    // May it be fetched from the disk or made for who waits? Null: not now, as it is too large or too many are being made, which
    // is counted. Who asks for what is under way gets a turn always.
    std::unique_ptr<Turn> turn(const DeltaPtr& delta, std::uint64_t size);

    static Key128 flight_key_of(const Delta& delta, const cache_store::Floor& floor) { return flight_key(delta.fast_, floor); }

    // Blocks, on the work pool: the best from disk when it is there, else the fast one made now. Errors: those of reading and
    // encoding; Unsupported "no_gain" when it does not pay, and nothing is kept.
    Filled fill(const DeltaPair& pair, const DeltaPtr& delta, const AsOf& as_of, const DeltaTerms& terms);

    // Has the best one made in the background, once, and anew when what there is was born before the floor. It is kept when it
    // pays.
    void improve(const DeltaPair& pair, const DeltaPtr& delta, const AsOf& as_of, const DeltaTerms& terms);

    // For History::on_release: the best ones of what is new to what was before it, in the background.
    void prepare(const std::shared_ptr<releases::History>& history, const std::vector<releases::Seen>& fresh);

private:
    static constexpr std::size_t kMostKnown = 100'000;

    Result<BlobPtr> make_fast(const DeltaPair& pair);
    Result<BlobPtr> make_best(const DeltaPair& pair);
    std::optional<Filled> fetch_best(const DeltaPtr& delta, const AsOf& as_of);
    void improve_now(const DeltaPair& pair, Delta& delta, const AsOf& as_of, const DeltaTerms& terms);
    void keep_best(const DeltaPair& pair, Delta& delta, const AsOf& as_of, const DeltaTerms& terms);

    cache_store::Store& store_;
    BackgroundQueue& queue_;
    http::Counters& counters_;
    Log& log_;
    const unsigned cores_;
    std::atomic<std::uint64_t> on_the_fly_{config::Dictionaries{}.on_the_fly};
    std::atomic<std::uint64_t> largest_{config::Dictionaries{}.largest};
    std::atomic<unsigned> at_once_{config::Dictionaries{}.at_once};
    std::atomic<bool> enabled_{true};
    const std::shared_ptr<Life> life_ = std::make_shared<Life>();
    std::mutex mutex_;
    std::unordered_map<Key128, DeltaPtr> known_;  // by the best one's key
};

}  // namespace selvage::representations
