#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <unordered_set>

#include "base/digest.h"
#include "base/time.h"
#include "server/representations/recent_contents.h"

namespace selvage::representations {

// How many variants of one source are stored (image-urls §1.5): whoever invents sizes must not fill the cache with them. Lives on
// one loop. Counts those that were stored since the start, of 4,096 sources at most: for the others it begins anew.
class VariantBudget {
public:
    void set_limit(std::size_t most) { most_ = most; }  // of one source; 0: any

    using IsStored = std::function<bool(const Key128&)>;

    // May the variant be stored? It counts from now on; one that was counted before may be replaced. When the budget is spent,
    // those that are stored no more are forgotten, which is looked for once a minute.
    bool admit(const Sha256& content, const Key128& variant, SteadyTime now, const IsStored& is_stored);

private:
    struct Stored {
        std::unordered_set<Key128> variants;
        SteadyTime looked{};
    };
    std::size_t most_ = 200;
    RecentContents<Stored> sources_{4'096, std::chrono::hours(24)};
};

}  // namespace selvage::representations
