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

// The content codings of files: what has been made of which content, and the making. One per process, thread-safe.
//
// The best (br-11, zstd-19, gzip-9) are made in the background and kept in both tiers; the fast ones only in memory.
class Codings {
public:
    Codings(cache_store::Store& store, loop::WorkPool& pool, http::Counters& counters, Log& log)
        : store_(store), pool_(pool), counters_(counters), log_(log) {}

    CodedSizes sizes(const catalogue::Source& source) const;  // memory, no I/O

    // The best in memory, else the fast one in memory. Nothing: fill it.
    std::optional<Coded> find(const catalogue::Source& source, transforms::Coding coding);

    // Blocks, on the work pool: the best from disk when it is there, else the fast one made now.
    // Errors: those of reading and encoding; Unsupported "no_gain" when the identity is as good, which is remembered.
    Filled fill(catalogue::Catalogue& catalogue, const catalogue::Source& source, transforms::Coding coding);

    // Makes the best of all codings in the background, once per content.
    void improve(std::shared_ptr<catalogue::Catalogue> catalogue, catalogue::SourcePtr source);

    static Key128 key(const catalogue::Source& source, transforms::Coding coding, transforms::Effort effort);

private:
    struct Known {
        std::array<std::atomic<std::uint64_t>, transforms::kCodings.size()> sizes{};
        std::atomic<bool> improving{false};
    };
    static constexpr std::size_t kMostKnown = 200'000;

    std::shared_ptr<Known> known(const catalogue::Source& source) const;
    void improve_one(catalogue::Catalogue& catalogue, const catalogue::Source& source, Known& known, std::size_t row);
    Result<cache_store::ObjectPtr> encode(catalogue::Catalogue& catalogue, const catalogue::Source& source,
                                          transforms::Coding coding, transforms::Effort effort);

    cache_store::Store& store_;
    loop::WorkPool& pool_;
    http::Counters& counters_;
    Log& log_;
    mutable std::mutex mutex_;
    mutable std::unordered_map<Sha256, std::shared_ptr<Known>> known_;  // by content
};

}  // namespace selvage::representations
