#include "server/http/conditional.h"

#include <algorithm>

#include "base/fields.h"

namespace selvage::http {
namespace {

struct Tag {
    bool weak = false;
    std::string_view opaque;  // between the quotes
};

// RFC 9110 §8.8.3: [ "W/" ] DQUOTE *etagc DQUOTE, "W" case-sensitive.
std::optional<Tag> parse_tag(std::string_view text) {
    Tag tag;
    if (text.starts_with("W/")) {
        tag.weak = true;
        text.remove_prefix(2);
    }
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
    tag.opaque = text.substr(1, text.size() - 2);
    if (tag.opaque.find('"') != std::string_view::npos) return std::nullopt;
    return tag;
}

bool is_lower_hex(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_coding_suffix(std::string_view suffix) {
    constexpr std::string_view kDelta = "-dcz.";
    // What clients get while the best coding is made.
    for (const std::string_view interim : {std::string_view(".fast"), std::string_view(".better")}) {
        if (suffix.starts_with('-') && suffix.ends_with(interim)) {
            suffix.remove_suffix(interim.size());
            break;
        }
    }
    if (suffix.empty() || suffix == "-br" || suffix == "-zstd" || suffix == "-gz") return true;
    return suffix.starts_with(kDelta) && suffix.size() == kDelta.size() + 8 && is_lower_hex(suffix.substr(kDelta.size()));
}

bool names_content(const Tag& tag, const Validators& validators) {
    return !validators.content.empty() && tag.opaque.starts_with(validators.content) &&
           is_coding_suffix(tag.opaque.substr(validators.content.size()));
}

bool names_representation(const Tag& tag, const Validators& validators) {
    return !tag.weak && !validators.content.empty() &&
           tag.opaque.size() == validators.content.size() + validators.suffix.size() &&
           tag.opaque.starts_with(validators.content) && tag.opaque.ends_with(validators.suffix);
}

template <typename Matches>
bool any_member(std::string_view list, Matches matches) {
    if (trim(list) == "*") return true;  // the resource exists
    while (const auto member = next_member(list)) {
        const auto tag = parse_tag(*member);
        if (tag && matches(*tag)) return true;
    }
    return false;
}

bool modified_after(const Validators& validators, std::string_view date, WallTime now, bool when_unknown) {
    const auto since = parse_http_date(date, now);
    if (!since || !validators.last_modified) return when_unknown;
    return *validators.last_modified > *since;
}

}  // namespace

Precondition evaluate_preconditions(const Request& request, const Validators& validators, WallTime now) {
    using enum Precondition;
    if (request.method != Method::Get && request.method != Method::Head) return Proceed;

    // Steps 1 and 2: lost updates. If-Unmodified-Since counts only without If-Match.
    if (request.has("if-match")) {
        const auto strong = [&](const Tag& tag) { return names_representation(tag, validators); };
        if (!any_member(request.field("if-match"), strong)) return PreconditionFailed;
    } else if (request.has("if-unmodified-since")) {
        if (modified_after(validators, request.field("if-unmodified-since"), now, false)) return PreconditionFailed;
    }

    // Steps 3 and 4: what the client has already. If-Modified-Since counts only without If-None-Match.
    if (request.has("if-none-match")) {
        const auto weak = [&](const Tag& tag) { return names_content(tag, validators); };
        return any_member(request.field("if-none-match"), weak) ? NotModified : Proceed;
    }
    if (request.has("if-modified-since")) {
        return modified_after(validators, request.field("if-modified-since"), now, true) ? Proceed : NotModified;
    }
    return Proceed;
}

bool if_range_holds(const Request& request, const Validators& validators, WallTime now) {
    if (!request.has("if-range")) return true;
    const std::string_view value = trim(request.field("if-range"));
    if (const auto tag = parse_tag(value)) return names_representation(*tag, validators);

    const auto date = parse_http_date(value, now);
    if (!date || !validators.last_modified || *date != *validators.last_modified) return false;
    // A file may change twice within the second that its date names; once that second is over the date stands for one version.
    return now > *date + std::chrono::seconds{1};
}

}  // namespace selvage::http
