#include "server/http/range.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/fields.h"
#include "server/http/error_response.h"

namespace selvage::http {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

// One member of the set, resolved against the size; length 0 when it lies outside.
struct Asked {
    std::uint64_t first = 0;
    std::uint64_t length = 0;
    std::uint8_t position = 0;  // in the field
};

// 1*DIGIT; a number beyond 64 bits is as good as the largest one.
std::optional<std::uint64_t> parse_position(std::string_view digits) {
    if (digits.empty()) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        const auto digit = static_cast<std::uint64_t>(c - '0');
        value = value > (kMost - digit) / 10 ? kMost : value * 10 + digit;
    }
    return value;
}

Asked suffix_of(std::uint64_t wanted, std::uint64_t size) {
    const std::uint64_t length = std::min(wanted, size);
    return {.first = size - length, .length = length};
}

// int-range or suffix-range (RFC 9110 §14.1.1); nothing when malformed.
std::optional<Asked> parse_member(std::string_view member, std::uint64_t size) {
    const std::size_t dash = member.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const std::string_view before = member.substr(0, dash);
    const std::string_view after = member.substr(dash + 1);
    if (before.empty()) {
        const auto wanted = parse_position(after);
        // A suffix of an empty content is satisfiable (§14.1.2), but no Content-Range can say so: ignored.
        if (!wanted || (*wanted > 0 && size == 0)) return std::nullopt;
        return suffix_of(*wanted, size);
    }
    const auto first = parse_position(before);
    const auto last = after.empty() ? std::optional(kMost) : parse_position(after);
    if (!first || !last || *last < *first) return std::nullopt;
    if (*first >= size) return Asked{};
    return Asked{.first = *first, .length = std::min(*last, size - 1) - *first + 1};
}

struct Set {
    std::array<Asked, kParsedRanges> members{};
    std::size_t count = 0;  // satisfiable ones
};

// Nothing: the field is ignored.
std::optional<Set> parse_set(std::string_view list, std::uint64_t size) {
    Set set;
    std::size_t parsed = 0;
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        const std::string_view member = trim(list.substr(0, comma));
        list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
        if (member.empty()) continue;  // RFC 9110 §5.6.1.2
        if (++parsed > kParsedRanges) return std::nullopt;
        auto asked = parse_member(member, size);
        if (!asked) return std::nullopt;
        if (asked->length == 0) continue;
        asked->position = static_cast<std::uint8_t>(set.count);
        set.members[set.count++] = *asked;
    }
    if (parsed == 0) return std::nullopt;
    return set;
}

bool asks_for_too_much(const Set& set, std::uint64_t size) {
    std::uint64_t left = size;
    for (std::size_t i = 0; i < set.count; ++i) {
        if (set.members[i].length > left) return true;
        left -= set.members[i].length;
    }
    return false;
}

// Joins neighbours; what stays is in the order in which the client first named any of it.
void join(Set& set) {
    const auto used = std::span(set.members).first(set.count);
    std::ranges::sort(used, {}, &Asked::first);
    std::size_t kept = 0;
    for (const Asked& next : used) {
        if (kept > 0) {
            Asked& last = set.members[kept - 1];
            const std::uint64_t end = last.first + last.length;
            if (next.first < end || next.first - end < kRangeGap) {
                last.length = std::max(end, next.first + next.length) - last.first;
                last.position = std::min(last.position, next.position);
                continue;
            }
        }
        set.members[kept++] = next;
    }
    set.count = kept;
    std::ranges::sort(std::span(set.members).first(kept), {}, &Asked::position);
}

// "bytes 0-99/100": three numbers of at most 20 digits.
class ContentRange {
public:
    ContentRange(const ByteRange& range, std::uint64_t size) {
        put("bytes ").put(range.first).put("-").put(range.first + range.length - 1).put("/").put(size);
    }
    std::string_view text() const { return {text_.data(), size_}; }

private:
    ContentRange& put(std::string_view more) {
        size_ += more.copy(text_.data() + size_, more.size());
        return *this;
    }
    ContentRange& put(std::uint64_t number) {
        size_ =
            static_cast<std::size_t>(std::to_chars(text_.data() + size_, text_.data() + text_.size(), number).ptr - text_.data());
        return *this;
    }

    std::array<char, 72> text_;  // NOLINT: the first size_ are set
    std::size_t size_ = 0;
};

void append_slice(std::vector<Segment>& into, const Body& body, std::uint64_t first, std::uint64_t length) {
    for (std::size_t i = 0; i < body.segments() && length > 0; ++i) {
        Segment segment = body.segment(i);
        if (first >= segment.length) {
            first -= segment.length;
            continue;
        }
        segment.offset += first;
        segment.length = std::min(segment.length - first, length);
        length -= segment.length;
        first = 0;
        into.push_back(std::move(segment));
    }
}

Segment text_segment(std::string text) {
    const std::uint64_t length = text.size();
    return {.bytes = make_blob(std::move(text)), .file = {}, .offset = 0, .length = length};
}

// RFC 9110 §14.6: each part has the Content-Type that the whole would have, and its own Content-Range.
Body multipart_body(const Body& whole, const RangeChoice& choice, std::string_view type, std::string_view boundary) {
    std::vector<Segment> segments;
    std::string separator = "--";
    for (std::size_t i = 0; i < choice.count; ++i) {
        std::string part = separator;
        part.append(boundary).append("\r\n");
        if (!type.empty()) part.append("content-type: ").append(type).append("\r\n");
        part.append("content-range: ").append(ContentRange(choice.ranges[i], whole.length()).text()).append("\r\n\r\n");
        segments.push_back(text_segment(std::move(part)));
        append_slice(segments, whole, choice.ranges[i].first, choice.ranges[i].length);
        separator = "\r\n--";
    }
    segments.push_back(text_segment(separator.append(boundary).append("--\r\n")));
    return Body(std::move(segments));
}

HeadPtr multipart_head(const Head& head, std::string_view boundary) {
    Head::Fields fields;
    for (const auto& field : head.fields()) {
        if (field.first != "content-type") fields.push_back(field);
    }
    fields.emplace_back("content-type", "multipart/byteranges; boundary=" + std::string(boundary));
    return std::make_shared<const Head>(std::move(fields));
}

}  // namespace

RangeChoice parse_range(std::string_view value, std::uint64_t size) {
    constexpr std::string_view kUnit = "bytes=";
    RangeChoice choice;
    value = trim(value);
    if (value.size() < kUnit.size() || !equals_ignoring_case(value.substr(0, kUnit.size()), kUnit)) return choice;
    auto set = parse_set(value.substr(kUnit.size()), size);
    if (!set) return choice;
    if (set->count == 0) {
        choice.kind = RangeChoice::Kind::Unsatisfiable;
        return choice;
    }
    if (asks_for_too_much(*set, size)) return choice;
    join(*set);
    if (set->count > kServedRanges) return choice;
    choice.kind = RangeChoice::Kind::Partial;
    choice.count = static_cast<std::uint8_t>(set->count);
    for (std::size_t i = 0; i < set->count; ++i)
        choice.ranges[i] = {.first = set->members[i].first, .length = set->members[i].length};
    return choice;
}

RangeChoice choose_range(const Request& request, const Validators& validators, std::uint64_t size, WallTime now) {
    if (request.method != Method::Get || !request.has("range")) return {};
    if (!if_range_holds(request, validators, now)) return {};
    return parse_range(request.field("range"), size);
}

Body slice(const Body& body, std::uint64_t first, std::uint64_t length) {
    if (body.segments() == 1) {  // nearly always, and then without a vector
        Segment segment = body.segment(0);
        segment.offset += std::min(first, segment.length);
        segment.length = std::min(segment.length - std::min(first, segment.length), length);
        return segment.length == 0 ? Body{} : Body(std::move(segment));
    }
    std::vector<Segment> segments;
    append_slice(segments, body, first, length);
    return Body(std::move(segments));
}

Answer partial_answer(Answer whole, const RangeChoice& choice, std::string_view boundary) {
    if (choice.count == 0) return whole;
    whole.status = 206;
    if (choice.count == 1) {
        const ByteRange& range = choice.ranges[0];
        whole.extra.add("content-range", ContentRange(range, whole.body.length()).text());
        whole.body = slice(whole.body, range.first, range.length);
        return whole;
    }
    whole.body = multipart_body(whole.body, choice, whole.head->field("content-type"), boundary);
    whole.head = multipart_head(*whole.head, boundary);
    return whole;
}

Answer unsatisfiable_answer(std::uint64_t size) {
    return status_answer(416, {}, {{"content-range", "bytes */" + std::to_string(size)}});
}

}  // namespace selvage::http
