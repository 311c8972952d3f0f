#include "server/handlers/answering.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

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

}  // namespace

http::Answer answer_selected(const http::Request& request, Selected selected, WallTime now) {
    switch (http::evaluate_preconditions(request, selected.validators, now)) {
        case http::Precondition::PreconditionFailed:
            return http::status_answer(412);
        case http::Precondition::NotModified: {
            http::Answer answer;
            answer.status = 304;
            answer.verdict = selected.verdict;
            answer.head = selected.heads.not_modified;
            return answer;
        }
        case http::Precondition::Proceed:
            break;
    }
    http::Answer answer;
    answer.status = 200;
    answer.verdict = selected.verdict;
    answer.head = selected.heads.full;
    const std::uint64_t size = selected.body.length();
    answer.body = std::move(selected.body);
    if (!selected.ranges) return answer;
    const http::RangeChoice range = http::choose_range(request, selected.validators, size, now);
    switch (range.kind) {
        case http::RangeChoice::Kind::Whole:
            return answer;
        case http::RangeChoice::Kind::Unsatisfiable:
            return http::unsatisfiable_answer(size);
        case http::RangeChoice::Kind::Partial:
            break;
    }
    return http::partial_answer(std::move(answer), range, range.count > 1 ? boundary() : std::string());
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
