#include "cache_store/freshness.h"

namespace selvage::cache_store {

Freshness freshness_of(const Lifetimes& lifetimes, WallTime now, bool purged_softly) {
    const auto before = [second = now.time_since_epoch().count()](std::uint32_t until) {
        return until == UINT32_MAX || second < until;
    };
    if (before(lifetimes.fresh_until)) return purged_softly ? Freshness::WhileRevalidate : Freshness::Fresh;
    if (before(lifetimes.while_revalidate_until)) return Freshness::WhileRevalidate;
    if (before(lifetimes.if_error_until)) return Freshness::IfError;
    return Freshness::Gone;
}

}  // namespace selvage::cache_store
