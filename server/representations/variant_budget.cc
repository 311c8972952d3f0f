#include "server/representations/variant_budget.h"

namespace selvage::representations {

namespace {

constexpr std::chrono::minutes kLookAgain{1};

}  // namespace

bool VariantBudget::admit(const Sha256& content, const Key128& variant, SteadyTime now, const IsStored& is_stored) {
    if (most_ == 0) return true;
    Stored& source = sources_.find_or_add(content, now);
    if (source.variants.contains(variant)) return true;
    if (source.variants.size() >= most_ && now - source.looked >= kLookAgain) {
        source.looked = now;
        std::erase_if(source.variants, [&](const Key128& key) { return !is_stored(key); });
    }
    if (source.variants.size() >= most_) return false;
    source.variants.insert(variant);
    return true;
}

}  // namespace selvage::representations
