#include "server/handlers/answering.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>
#include <variant>

#include "base/ascii.h"
#include "base/fields.h"
#include "server/http/error_response.h"
#include "server/http/head.h"
#include "server/http/range.h"

namespace selvage::handlers {

namespace {

// Cannot occur in the content but by chance of 2^-128.
std::string boundary() {
    thread_local std::random_device random;
    return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

// A function of its own, with one variable to return: then it is made in the place where the caller wants it.
http::Reply whole(const Selected& selected) {
    http::Reply reply(std::in_place_type<http::Answer>);
    http::Answer& answer = *std::get_if<http::Answer>(&reply);
    answer.verdict = selected.verdict;
    answer.head = selected.heads.full;
    answer.body = std::move(selected.body);
    return reply;
}

http::Reply ranged(const http::Request& request, const Selected& selected, WallTime now) {
    if (selected.body.grows()) return whole(selected);  // a range of what has no length yet
    const std::uint64_t size = selected.body.length();
    const http::RangeChoice range = http::choose_range(request, selected.validators, size, now);
    switch (range.kind) {
        case http::RangeChoice::Kind::Whole:
            return whole(selected);
        case http::RangeChoice::Kind::Unsatisfiable:
            return http::unsatisfiable_answer(size);
        case http::RangeChoice::Kind::Partial:
            break;
    }
    return http::partial_answer(std::get<http::Answer>(whole(selected)), range, range.count > 1 ? boundary() : std::string());
}

}  // namespace

http::Reply not_modified(const HeadCache::Heads& heads, http::Verdict verdict) {
    http::Reply reply(std::in_place_type<http::Answer>);
    http::Answer& answer = *std::get_if<http::Answer>(&reply);
    answer.status = 304;
    answer.verdict = verdict;
    answer.head = heads.not_modified;
    return reply;
}

http::Reply answer_selected(const http::Request& request, const Selected& selected, WallTime now) {
    switch (http::evaluate_preconditions(request, selected.validators, now)) {
        case http::Precondition::PreconditionFailed:
            return http::status_answer(412);
        case http::Precondition::NotModified:
            return not_modified(selected.heads, selected.verdict);
        case http::Precondition::Proceed:
            break;
    }
    return selected.ranges && request.has("range") ? ranged(request, selected, now) : whole(selected);
}

HeadCache::Heads finish_heads(http::Head::Fields fields, const config::Rule* rule) {
    if (rule) {
        for (const auto& [name, value] : rule->headers) {
            std::string lower = name;
            std::ranges::transform(lower, lower.begin(), to_lower);
            std::erase_if(fields, [&lower](const auto& field) { return field.first == lower; });
            fields.emplace_back(std::move(lower), value);
        }
    }
    auto full = std::make_shared<const http::Head>(std::move(fields));
    auto not_modified = http::not_modified_head(*full);
    return {std::move(full), std::move(not_modified)};
}

http::Body identity_body(const catalogue::Source& source) {
    if (source.bytes) return http::Body(source.bytes);
    return http::Body(http::Segment{.bytes = {}, .file = source.file, .offset = 0, .length = source.size});
}

VersionMatch names_content(std::string_view version, const Sha256& content) {
    if (version == etag_text(content)) return VersionMatch::Matches;
    constexpr std::size_t kLeast = 8;
    const bool hash = version.size() >= kLeast && version.size() <= 64 &&
                      version.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    if (!hash) return VersionMatch::NotAHash;
    return hex(content).starts_with(version) ? VersionMatch::Matches : VersionMatch::Differs;
}

}  // namespace selvage::handlers
