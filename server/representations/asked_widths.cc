#include "server/representations/asked_widths.h"

#include <algorithm>

namespace selvage::representations {

std::vector<std::uint32_t> AskedWidths::asked(const Key128& family, std::uint32_t width, std::uint64_t picture) {
    const std::lock_guard lock(mutex_);
    // Learned again in a moment; names that are made up should not keep the real ones out for ever.
    if (families_.size() >= kMostFamilies && !families_.contains(family)) families_.clear();
    std::vector<Width>& widths = families_[family];
    note(widths, width, picture, ++turn_);
    std::vector<std::uint32_t> others;
    for (const Width& each : widths) {
        if (each.known && each.width != width) others.push_back(each.width);
    }
    return others;
}

void AskedWidths::note(std::vector<Width>& family, std::uint32_t width, std::uint64_t picture, std::uint64_t turn) {
    if (const auto found = std::ranges::find(family, width, &Width::width); found != family.end()) {
        found->known = found->known || found->first_picture != picture;
        found->last = turn;
        return;
    }
    if (family.size() >= kMostWidths) family.erase(std::ranges::min_element(family, {}, &Width::last));
    family.push_back({.width = width, .first_picture = picture, .known = false, .last = turn});
}

}  // namespace selvage::representations
