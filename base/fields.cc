#include "base/fields.h"

#include <algorithm>

#include "base/ascii.h"

namespace selvage {
namespace {

// Takes what stands before the first `separator` outside a quoted string off `rest`; the separator goes too.
std::string_view take_until(std::string_view& rest, char separator) {
    bool quoted = false;
    std::size_t i = 0;
    for (; i < rest.size(); ++i) {
        if (rest[i] == '"') quoted = !quoted;
        if (rest[i] == '\\' && quoted) {
            ++i;
        } else if (rest[i] == separator && !quoted) {
            break;
        }
    }
    const std::string_view taken = rest.substr(0, i);
    rest.remove_prefix(std::min(i + 1, rest.size()));
    return trim(taken);
}

// qvalue of RFC 9110 §12.4.2: "0" or "1" with up to three decimals, at most 1.
std::uint16_t parse_weight(std::string_view text) {
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return 0;
    if (text.size() > 1 && text[1] != '.') return 0;
    unsigned weight = text[0] == '1' ? 1000 : 0;
    unsigned place = 100;
    for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
        if (!is_digit(c)) return 0;
        weight += static_cast<unsigned>(c - '0') * place;
        place /= 10;
    }
    return weight > 1000 ? 0 : static_cast<std::uint16_t>(weight);
}

}  // namespace

bool equals_ignoring_case(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, {}, to_lower, to_lower);
}

std::string_view trim(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<std::string_view> next_member(std::string_view& rest) {
    while (!rest.empty()) {
        const std::string_view member = take_until(rest, ',');
        if (!member.empty()) return member;  // RFC 9110 §5.6.1.2: empty elements are ignored
    }
    return std::nullopt;
}

std::optional<WeightedToken> next_weighted(std::string_view& rest) {
    while (auto member = next_member(rest)) {
        WeightedToken weighted{.token = take_until(*member, ';')};
        if (weighted.token.empty()) continue;
        while (!member->empty()) {
            std::string_view value = take_until(*member, ';');
            const std::size_t equals = value.find('=');
            if (!equals_ignoring_case(trim(value.substr(0, equals)), "q")) continue;
            value.remove_prefix(equals == std::string_view::npos ? value.size() : equals + 1);
            weighted.weight = parse_weight(value);
            break;  // what follows q belongs to no one (RFC 9110 §12.5.1 removed accept-ext)
        }
        return weighted;
    }
    return std::nullopt;
}

}  // namespace selvage
