#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/log.h"
#include "cache_store/store.h"
#include "server/catalogue/catalogue.h"
#include "server/http/counters.h"
#include "server/representations/background_queue.h"
#include "server/representations/fills.h"
#include "server/representations/select.h"
#include "server/representations/stored.h"

namespace selvage::representations {

// Of one content in one coding there may be, one after the other; each has other bytes, and so an entity tag of its own:
enum class Stage : std::uint8_t {
    Best,
    Fast,    // made while a client waited
    Better,  // of a large content: made in the background before the best, which takes minutes
};

// A coded representation that is there.
struct Coded {
    cache_store::ObjectPtr object;
    bool interim = false;  // not the best
    bool stale = false;    // purged softly: used until it is made anew
    Stage stage = Stage::Best;
};

// The place of a coding in transforms::kCodings; not of Identity.
inline std::size_t row_index(transforms::Coding coding) {
    std::size_t index = 0;
    while (transforms::kCodings[index].coding != coding) ++index;
    return index;
}

// Above it the best takes minutes, and something better than the fast one is made before. static-delivery §4. Bytes.
inline constexpr std::uint64_t kLargeContent = 8'000'000;

// As of when something is asked for: what was born before the floor will not do, and what is made now is born now.
struct AsOf {
    cache_store::Floor floor;  // of the request and of the source
    std::uint64_t birth = 0;   // Store::sequence() when the request began
};

// What is known of the codings of one content, for all who serve it. Thread-safe.
class ContentCodings {
public:
    explicit ContentCodings(const catalogue::Source& source);
    CodedSizes sizes() const {
        CodedSizes sizes;
        for (std::size_t row = 0; row < sizes.size(); ++row) {
            sizes[row] = sizes_[row].load(std::memory_order_relaxed);
            if (sizes[row] == kUnknown) sizes[row] = presumed_[row];
        }
        return sizes;
    }

private:
    friend class Codings;
    static constexpr std::size_t kRows = transforms::kCodings.size();

    std::array<Key128, kRows> best_, better_, first_;  // keys in the store, by row
    std::array<std::atomic<std::uint64_t>, kRows> sizes_{};
    CodedSizes presumed_{};                      // of those that were on the disk before anybody asked; kUnknown: not there
    std::atomic<std::uint64_t> improved_{0};     // one above the birth of the best ones, made or under way; 0: to be made
    std::atomic<std::uint8_t> missing_{0};       // of what is under way, still to be made: a bit per Step of improving
    std::atomic<std::uint8_t> left_to_gzip_{0};  // a bit per row that is hardly better: its best is not kept
    std::atomic<bool> kept_{true};               // by the store, when they were made
    const bool large_;                           // has a Better stage
    std::array<std::atomic<std::uint32_t>, kRows> asked_{};  // requests that a row would serve best, while it is missing
};
using ContentCodingsPtr = std::shared_ptr<ContentCodings>;

// The content codings of files: what has been made of which content, and the making. One per process, thread-safe.
//
// The best (br-11, zstd-19, gzip-9) are made in the background and kept in both tiers; the others only in memory.
class Codings {
public:
    Codings(cache_store::Store& store, BackgroundQueue& queue, http::Counters& counters, Log& log)
        : store_(store), queue_(queue), counters_(counters), log_(log) {}
    ~Codings();  // waits for the step under way of what the queue does for it; what waits there comes to nothing
    Codings(const Codings&) = delete;
    Codings& operator=(const Codings&) = delete;

    // What is known of this source's content; null when it is of a kind that is not coded. For who keeps it: the same for each
    // request.
    ContentCodingsPtr of(const catalogue::Source& source);

    // The best in memory, else the fast one in memory. Nothing: ask fetch_now(), then fill it.
    std::optional<Coded> find(const ContentCodings& codings, transforms::Coding coding, const cache_store::Floor& floor);

    // The best from the disk, when that needs no waiting.
    std::optional<Coded> fetch_now(ContentCodings& codings, transforms::Coding coding, const cache_store::Floor& floor);

    AsOf as_of(const cache_store::Floor& floor) const;

    // Blocks, on the work pool: the best from disk when it is there, else the fast one made now. That of a larger file is
    // announced as soon as it begins to be there, and made as long as it is wanted. Errors: those of reading and encoding;
    // Unsupported "no_gain" when the identity is as good, which is remembered; Cancelled.
    Filled fill(catalogue::Catalogue& catalogue, const catalogue::Source& source, transforms::Coding coding, const AsOf& as_of,
                const Wanted& wanted, std::move_only_function<void(Filled)> announce);

    // With each request: makes the best of all codings in the background, once per content, and anew when what there is was born
    // before the floor. While they are missing, each request raises their worth: bytes × requests, the coding first that serves
    // most of them best. `codings`: of the source. `accepted`: null when it is not known.
    void improve(const ContentCodingsPtr& codings, const std::shared_ptr<catalogue::Catalogue>& catalogue,
                 const catalogue::SourcePtr& source, const cache_store::Floor& floor,
                 const http::AcceptedCodings* accepted = nullptr);

    // What came of the best of one coding.
    struct Improved {
        enum class How : std::uint8_t { Made, There, NoGain, Sidecar, Failed } how = How::Failed;
        cache_store::ObjectPtr object;                                     // set: Made, There
        cache_store::NotStored not_stored = cache_store::NotStored::None;  // of Made: on its way to the disk, or why not
        std::string reason;                                                // of Failed
    };
    using AllImproved = std::array<Improved, transforms::kCodings.size()>;  // by row
    using GoOn = std::function<bool()>;                                     // asked between steps; false: give up

    // Makes all that improve() would, now. Blocks, for seconds per MB. For who has a thread for it: `selvage precompress`.
    AllImproved improve_now(catalogue::Catalogue& catalogue, const catalogue::Source& source, const GoOn& go_on);

    // Are there codings of contents of this size and kind?
    static bool improves(const catalogue::Source& source);

    static Key128 key(const catalogue::Source& source, transforms::Coding coding, transforms::Effort effort);

private:
    static constexpr std::size_t kMostKnown = 200'000;

    // Outlives this in the works that wait.
    struct Life {
        std::mutex working;
        std::atomic<bool> over{false};
    };

    struct Making;       // of one coding
    struct Improvement;  // of a content, in the queue
    struct Step;         // of it: one coding

    static std::uint64_t presumed_size(const catalogue::Source& source, transforms::Coding coding);
    ContentCodingsPtr known(const catalogue::Source& source);
    void raise(ContentCodings& codings, const catalogue::Source& source, const http::AcceptedCodings* accepted);
    bool go_on();
    bool enqueue(const std::shared_ptr<const Improvement>& improvement);
    void take_step(const std::shared_ptr<const Improvement>& improvement);
    void make_better(const Making& making, ContentCodings& known);
    Improved make_best(const Making& making, ContentCodings& known, const GoOn& go_on);
    static bool saves_beside_gzip(const Making& making, const ContentCodings& known, std::uint64_t size);
    void leave_to_gzip(const Making& making, ContentCodings& known);
    void leave_others_to_gzip(const Making& gzip, ContentCodings& known);
    std::optional<Filled> fetch_best(const Making& making);
    Result<BlobPtr> encode_first(const Making& making, const Wanted& wanted, std::move_only_function<void(Filled)> announce);
    Filled made_first(const Making& making, Result<BlobPtr> coded);

    cache_store::Store& store_;
    BackgroundQueue& queue_;
    const std::shared_ptr<Life> life_ = std::make_shared<Life>();
    http::Counters& counters_;
    Log& log_;
    std::mutex mutex_;
    std::unordered_map<Sha256, ContentCodingsPtr> known_;  // by content
};

}  // namespace selvage::representations
