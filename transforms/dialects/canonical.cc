#include "transforms/dialects/canonical.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/url.h"
#include "transforms/dialects/canonical_keys.h"

namespace selvage::transforms {
namespace {

constexpr std::size_t kMaxValue = 256;  // image-urls §1.1, the shape

std::unexpected<Error> refuse(std::string_view code, std::string_view key, std::string allowed) {
    auto detail = fmt::format("parameter \"{}\": allowed is {}", key, allowed);
    return std::unexpected(Error{.kind = ErrorKind::BadRequest,
                                 .code = code,
                                 .detail = std::move(detail),
                                 .param = std::string(key),
                                 .allowed = std::move(allowed)});
}

std::string_view code_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::Fine:
            return {};
        case Verdict::Invalid:
            return "invalid_param";
        case Verdict::TooLarge:
            return "too_large";
        case Verdict::Disabled:
            return "format_disabled";
    }
    return {};
}

std::string known_keys() {
    std::string text;
    for (const auto& row : kCanonicalKeys) text += fmt::format("{}{}", text.empty() ? "" : ", ", row.key);
    return text;
}

// Reads the parameters of one query into a draft, each by its row.
class Reader {
public:
    explicit Reader(const DialectLimits& limits) { draft_.limits = limits; }

    Result<void> take(const QueryParam& param) {
        const auto* row = canonical_key(param.key);
        if (row == nullptr) return take_unknown(param.key);
        auto& written = written_[static_cast<std::size_t>(row - kCanonicalKeys.data())];
        if (!written.empty()) return refuse("duplicate_param", param.key, "one value");
        written = param.key;
        const auto value = percent_decode(param.value);
        const bool readable = value && !value->empty() && value->size() <= kMaxValue;
        const auto verdict = readable ? row->read(*value, draft_) : Verdict::Invalid;
        if (verdict != Verdict::Fine) return refuse(code_of(verdict), param.key, row->allowed(draft_.limits));
        return {};
    }

    Result<ImageRequest> finish() && {
        auto& plan = draft_.request.plan;
        for (auto [index, side] : {std::pair{0, &plan.width}, std::pair{1, &plan.height}}) {
            *side = scaled(*side, draft_.dpr);
            const auto& row = kCanonicalKeys[index];
            if (*side > draft_.limits.max_side)
                return refuse("too_large", written_[index], row.allowed(draft_.limits) + " after dpr");
        }
        return std::move(draft_.request);
    }

private:
    Result<void> take_unknown(std::string_view key) {
        if (draft_.limits.strict) return refuse("unknown_param", key, known_keys());
        draft_.request.ignored_keys.emplace_back(key);
        return {};
    }

    Draft draft_;
    std::array<std::string_view, kCanonicalKeys.size()> written_;  // the key as written, per row; empty: not seen
};

}  // namespace

Result<std::optional<ImageRequest>> parse_canonical(std::string_view query, const DialectLimits& limits) {
    if (query.size() > limits.max_query) {
        return fail(ErrorKind::TooLarge, fmt::format("query above {} bytes", limits.max_query), "uri_too_long");
    }
    const auto params = split_query(query);
    if (params.size() > limits.max_params) {
        return fail(ErrorKind::BadRequest, fmt::format("more than {} parameters", limits.max_params), "too_many_params");
    }
    const auto asks = [](const QueryParam& param) {
        const auto* row = canonical_key(param.key);
        return row != nullptr && row->role == Role::Transform;
    };
    if (std::ranges::none_of(params, asks)) return std::nullopt;

    Reader reader(limits);
    for (const auto& param : params) TRY(reader.take(param));
    return TRY(std::move(reader).finish());
}

std::string canonical(const Plan& plan) {
    const auto asks = [&](const KeyRow& row) { return row.role == Role::Transform && !row.print(plan).empty(); };
    const bool any_asks = std::ranges::any_of(kCanonicalKeys, asks);
    std::string text;
    for (const auto& row : kCanonicalKeys) {
        auto value = row.print(plan);
        if (row.key == "fm" && !any_asks) value = "auto";  // otherwise nothing would ask for a transform
        if (!value.empty()) text += fmt::format("{}{}={}", text.empty() ? "" : "&", row.key, value);
    }
    return text;
}

}  // namespace selvage::transforms
