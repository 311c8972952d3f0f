#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/log.h"
#include "cache_store/store.h"
#include "server/catalogue/catalogue.h"
#include "server/http/counters.h"
#include "server/loop/work_pool.h"
#include "server/representations/fills.h"
#include "server/representations/select.h"
#include "server/representations/stored.h"

namespace selvage::representations {

// A coded representation that is there.
struct Coded {
    cache_store::ObjectPtr object;
    bool interim = false;  // the fast one, until the best is made; has an entity tag of its own
    bool stale = false;    // purged softly: used until it is made anew
};

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
        for (std::size_t row = 0; row < sizes.size(); ++row) sizes[row] = sizes_[row].load(std::memory_order_relaxed);
        return sizes;
    }

private:
    friend class Codings;
    std::array<Key128, transforms::kCodings.size()> best_, first_;  // keys in the store, by row
    std::array<std::atomic<std::uint64_t>, transforms::kCodings.size()> sizes_{};
    std::atomic<std::uint64_t> improved_{0};  // one above the birth of the best ones, made or under way; 0: to be made
    std::atomic<bool> improving_{false};      // under way
    std::atomic<bool> kept_{true};            // by the store, when they were made
};
using ContentCodingsPtr = std::shared_ptr<ContentCodings>;

// The content codings of files: what has been made of which content, and the making. One per process, thread-safe.
//
// The best (br-11, zstd-19, gzip-9) are made in the background and kept in both tiers; the fast ones only in memory.
class Codings {
public:
    Codings(cache_store::Store& store, loop::WorkPool& pool, http::Counters& counters, Log& log)
        : store_(store), pool_(pool), counters_(counters), log_(log) {}

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

    // Makes the best of all codings in the background, once per content, and anew when what there is was born before the floor.
    // `codings`: of the source.
    void improve(const ContentCodingsPtr& codings, const std::shared_ptr<catalogue::Catalogue>& catalogue,
                 const catalogue::SourcePtr& source, const cache_store::Floor& floor);

    static Key128 key(const catalogue::Source& source, transforms::Coding coding, transforms::Effort effort);

private:
    static constexpr std::size_t kMostKnown = 200'000;

    struct Making;  // of one coding

    ContentCodingsPtr known(const catalogue::Source& source);
    void improve_all(catalogue::Catalogue& catalogue, const catalogue::Source& source, ContentCodings& known, const AsOf& as_of);
    void improve_one(const Making& making, ContentCodings& known);
    std::optional<Filled> fetch_best(const Making& making);
    Result<BlobPtr> encode_first(const Making& making, const Wanted& wanted, std::move_only_function<void(Filled)> announce);
    Filled made_first(const Making& making, Result<BlobPtr> coded);

    cache_store::Store& store_;
    loop::WorkPool& pool_;
    http::Counters& counters_;
    Log& log_;
    std::mutex mutex_;
    std::unordered_map<Sha256, ContentCodingsPtr> known_;  // by content
};

}  // namespace selvage::representations
