#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/log.h"
#include "cache_store/store.h"
#include "server/catalogue/catalogue.h"
#include "server/http/counters.h"
#include "server/loop/work_pool.h"
#include "server/representations/select.h"
#include "server/representations/stored.h"

namespace selvage::representations {

// A coded representation in memory.
struct Coded {
    cache_store::ObjectPtr object;
    bool interim = false;  // the fast one, until the best is made; has an entity tag of its own
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
    std::atomic<bool> improving_{false};
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

    // The best in memory, else the fast one in memory. Nothing: fill it.
    std::optional<Coded> find(const ContentCodings& codings, transforms::Coding coding);

    // Blocks, on the work pool: the best from disk when it is there, else the fast one made now.
    // Errors: those of reading and encoding; Unsupported "no_gain" when the identity is as good, which is remembered.
    Filled fill(catalogue::Catalogue& catalogue, const catalogue::Source& source, transforms::Coding coding);

    // Makes the best of all codings in the background, once per content. `codings`: of the source.
    void improve(const ContentCodingsPtr& codings, const std::shared_ptr<catalogue::Catalogue>& catalogue,
                 const catalogue::SourcePtr& source);

    static Key128 key(const catalogue::Source& source, transforms::Coding coding, transforms::Effort effort);

private:
    static constexpr std::size_t kMostKnown = 200'000;

    ContentCodingsPtr known(const catalogue::Source& source);
    void improve_one(catalogue::Catalogue& catalogue, const catalogue::Source& source, ContentCodings& known, std::size_t row);
    Result<cache_store::ObjectPtr> encode(catalogue::Catalogue& catalogue, const catalogue::Source& source,
                                          transforms::Coding coding, transforms::Effort effort);

    cache_store::Store& store_;
    loop::WorkPool& pool_;
    http::Counters& counters_;
    Log& log_;
    std::mutex mutex_;
    std::unordered_map<Sha256, ContentCodingsPtr> known_;  // by content
};

}  // namespace selvage::representations
