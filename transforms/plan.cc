#include "transforms/plan.h"

#include <fmt/format.h>

namespace selvage::transforms {

bool Plan::has_visual_effect() const {
    return width != 0 || height != 0 || rotate != 0 || flip != Flip::None || blur > 0 || background || !animated;
}

std::string variant_recipe(const Plan& plan, Format chosen, unsigned effective_quality) {
    // Negotiated, explicit or by default: what was decided is one variant, so only the decision is written.
    Plan operations = plan;
    operations.auto_format = false;
    operations.format = chosen;
    operations.quality.reset();
    operations.target.reset();
    const bool searched = plan.target && effective_quality != 0;  // a format without quality has nothing to search
    if (searched) return fmt::format("{};auto{}", canonical(operations), static_cast<unsigned>(*plan.target));
    return fmt::format("{};{}", canonical(operations), effective_quality);
}

}  // namespace selvage::transforms
