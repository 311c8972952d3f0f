#include "server/http/content_coding.h"

#include <algorithm>

#include "base/fields.h"
#include "transforms/encodings/dcz.h"

namespace selvage::http {
namespace {

constexpr auto kServerOrder = std::to_array<Coding>({Coding::Zstd, Coding::Brotli, Coding::Gzip, Coding::Identity});

std::size_t rank(Coding coding) {
    return static_cast<std::size_t>(std::ranges::find(kServerOrder, coding) - kServerOrder.begin());
}

std::optional<Coding> coding_named(std::string_view token) {
    if (equals_ignoring_case(token, "identity")) return Coding::Identity;
    if (equals_ignoring_case(token, "x-gzip")) return Coding::Gzip;  // RFC 9110 §8.4.1.3
    for (const auto& row : transforms::kCodings) {
        if (equals_ignoring_case(token, row.token)) return row.coding;
    }
    return std::nullopt;
}

// Acceptable, but after everything that the client named: below any weight that a field can spell except 0.001 itself.
constexpr std::uint16_t kLast = 1;

}  // namespace

AcceptedCodings parse_accept_encoding(std::optional<std::string_view> value) {
    std::array<std::optional<std::uint16_t>, 4> named{};
    std::optional<std::uint16_t> any;
    AcceptedCodings accepted;
    std::string_view rest = value.value_or(std::string_view{});
    while (const auto member = next_weighted(rest)) {
        if (member->token == "*") {
            any = member->weight;
        } else if (const auto coding = coding_named(member->token)) {
            named[static_cast<std::size_t>(*coding)] = member->weight;
        } else if (equals_ignoring_case(member->token, transforms::kDczToken)) {
            accepted.dcz = member->weight;
        }
    }

    for (const Coding coding : kServerOrder) {
        const auto index = static_cast<std::size_t>(coding);
        const std::uint16_t unnamed = coding == Coding::Identity ? kLast : std::uint16_t{0};
        accepted.weights[index] = named[index].value_or(any.value_or(unnamed));
    }
    return accepted;
}

AcceptedCodings accepted_codings(const Request& request) {
    if (!request.has("accept-encoding")) return parse_accept_encoding(std::nullopt);
    return parse_accept_encoding(request.field("accept-encoding"));
}

std::optional<Coding> choose_coding(const AcceptedCodings& accepted, std::span<const Available> available) {
    const Available* best = nullptr;
    const auto better = [&](const Available& left, const Available& right) {
        if (accepted.weight(left.coding) != accepted.weight(right.coding))
            return accepted.weight(left.coding) > accepted.weight(right.coding);
        if (left.size != right.size) return left.size < right.size;
        return rank(left.coding) < rank(right.coding);
    };
    for (const Available& candidate : available) {
        if (!accepted.accepts(candidate.coding)) continue;
        if (best == nullptr || better(candidate, *best)) best = &candidate;
    }
    return best != nullptr ? std::optional(best->coding) : std::nullopt;
}

std::optional<Coding> coding_to_make(const AcceptedCodings& accepted) {
    std::optional<Coding> best;
    for (const Coding coding : kServerOrder) {
        if (accepted.accepts(coding) && (!best || accepted.weight(coding) > accepted.weight(*best))) best = coding;
    }
    return best;
}

bool worth_keeping(std::uint64_t coded, std::uint64_t identity) {
    constexpr std::uint64_t kLeastSaving = 64;
    // coded ≤ 0.95 × identity without overflow: coded ≤ identity − ⌈identity / 20⌉.
    const std::uint64_t twentieth = identity / 20 + (identity % 20 != 0 ? 1 : 0);
    return coded < identity && identity - coded >= std::max(kLeastSaving, twentieth);
}

}  // namespace selvage::http
