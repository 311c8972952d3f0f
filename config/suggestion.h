#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace selvage::config {

// The candidate that someone who wrote `word` most likely meant, or nothing.
//
// Near means: at most two insertions, deletions, substitutions or swaps of neighbours (one for words of up to four letters),
// or one is the beginning of the other. Case, '-' and '_' do not count. The nearest wins, the earlier one among equals.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace selvage::config
