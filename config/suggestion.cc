#include "config/suggestion.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "base/ascii.h"

namespace selvage::config {
namespace {

constexpr std::size_t kLongest = 64;      // no key is longer; also bounds the work
constexpr std::size_t kShortestStem = 3;  // "cert" means "certificate", "p" means nothing

std::string folded(std::string_view word) {
    std::string out;
    for (const char c : word) {
        if (c != '-' && c != '_') out.push_back(to_lower(c));
    }
    return out;
}

// Damerau–Levenshtein, in its restricted form: no letter is edited twice.
std::size_t distance(std::string_view a, std::string_view b) {
    std::array<std::array<std::size_t, kLongest + 1>, 3> rows{};  // of this letter of `a` and the two before
    for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto& row = rows[i % 3];
        const auto& above = rows[(i + 2) % 3];
        const auto& two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = a[i - 1] == b[j - 1];
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.size() % 3][b.size()];
}

bool one_begins_the_other(std::string_view a, std::string_view b) {
    return std::min(a.size(), b.size()) >= kShortestStem && (a.starts_with(b) || b.starts_with(a));
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
    if (word.size() > kLongest) return std::nullopt;
    const std::string wanted = folded(word);
    std::size_t best = wanted.size() <= 4 ? 1 : 2;
    std::optional<std::string_view> found;
    std::optional<std::string_view> stem;
    for (const std::string_view candidate : candidates) {
        if (candidate.size() > kLongest) continue;
        const std::string known = folded(candidate);
        const std::size_t edits = distance(wanted, known);
        if (edits < best || (edits == best && !found)) {
            best = edits;
            found = candidate;
        }
        if (!stem && one_begins_the_other(wanted, known)) stem = candidate;
    }
    return found ? found : stem;
}

}  // namespace selvage::config
