#include "cache_store/hot_list.h"

#include <charconv>
#include <optional>

namespace selvage::cache_store {
namespace {

constexpr std::string_view kTitle = "selvage hot 1\n";
constexpr std::size_t kHalf = 16, kLine = 2 * kHalf + 1;

std::optional<std::uint64_t> number_of(std::string_view digits) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

}  // namespace

std::string encode_hot_list(const std::vector<Key128>& keys) {
    std::string text(kTitle);
    text.reserve(kTitle.size() + keys.size() * kLine);
    for (const Key128& key : keys) {
        text += hex(key);
        text += '\n';
    }
    return text;
}

std::vector<Key128> parse_hot_list(std::string_view text) {
    std::vector<Key128> keys;
    if (!text.starts_with(kTitle)) return keys;
    text.remove_prefix(kTitle.size());
    while (text.size() >= kLine && text[kLine - 1] == '\n' && keys.size() < kMostHot) {
        const auto high = number_of(text.substr(0, kHalf));
        const auto low = number_of(text.substr(kHalf, kHalf));
        if (!high || !low) break;
        keys.push_back({.high = *high, .low = *low});
        text.remove_prefix(kLine);
    }
    return keys;
}

}  // namespace selvage::cache_store
