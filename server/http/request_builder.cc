#include "server/http/request_builder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/fields.h"

namespace selvage::http {

std::size_t field_kind(std::string_view name) {
    if (!name.starts_with(':')) return known_place(name);
    if (name == ":method") return kMethod;
    if (name == ":path") return kPath;
    if (name == ":authority") return kAuthority;
    return name == ":scheme" ? kScheme : kOtherPseudo;
}

void RequestBuilder::clear() {
    used_ = 0;
    spans_.clear();
    joined_.clear();
}

void RequestBuilder::add(std::string_view name, std::string_view value, std::size_t kind) {
    if (kind != kOtherField) name = {};
    if (capacity_ - used_ < name.size() + value.size()) grow(name.size() + value.size());
    char* at = storage_.get() + used_;
    if (!name.empty()) std::memcpy(at, name.data(), name.size());
    if (!value.empty()) std::memcpy(at + name.size(), value.data(), value.size());
    spans_.push_back({.begin = static_cast<std::uint32_t>(used_),
                      .name_length = static_cast<std::uint32_t>(name.size()),
                      .value_length = static_cast<std::uint32_t>(value.size()),
                      .kind = static_cast<std::uint32_t>(kind)});
    used_ += name.size() + value.size();
}

void RequestBuilder::grow(std::size_t bytes) {
    constexpr std::size_t kLeast = 512;  // most requests
    const std::size_t capacity = std::max({kLeast, 2 * capacity_, used_ + bytes});
    std::unique_ptr<char[]> larger(new char[capacity]);
    if (used_ > 0) std::memcpy(larger.get(), storage_.get(), used_);
    storage_ = std::move(larger);
    capacity_ = capacity;
}

bool RequestBuilder::build(Request& request) {
    request.fields.clear();
    for (const Span& span : spans_) {
        const std::string_view value(storage_.get() + span.begin + span.name_length, span.value_length);
        switch (span.kind) {
            case kMethod:
                request.method_text = value;
                continue;
            case kPath:
                request.target = value;
                continue;
            case kAuthority:
                request.authority = value;
                continue;
            case kScheme:  // says nothing that the connection does not know
            case kOtherPseudo:
                continue;
            default:
                break;
        }
        const bool known = span.kind < kKnownFields.size();
        const std::string_view name =
            known ? kKnownFields[span.kind] : std::string_view(storage_.get() + span.begin, span.name_length);
        if (Field* existing = request.fields.find(name, span.kind)) {
            if (!join(*existing, value)) return false;
        } else {
            request.fields.push_back({name, value}, span.kind);
        }
    }
    const std::string_view host = request.field("host");
    if (request.authority.empty()) request.authority = host;
    // RFC 9113 §8.3.1: there is one, and it is one.
    if (request.authority.empty() || (!host.empty() && !equals_ignoring_case(host, request.authority))) return false;
    request.method = method_of(request.method_text);
    return true;
}

bool RequestBuilder::join(Field& existing, std::string_view more) {
    if (existing.name == "host" || existing.name == "content-length") return existing.value == more;
    // One string for a name, however often it comes: a new one each time would copy all before it, and keep the copies.
    auto whole_at = std::ranges::find(joined_, existing.value.data(), [](const auto& one) { return one->data(); });
    if (whole_at == joined_.end()) {
        whole_at = joined_.insert(joined_.end(), std::make_unique<std::string>(existing.value));
    }
    std::string& whole = **whole_at;
    whole.append(existing.name == "cookie" ? "; " : ", ").append(more);
    existing.value = whole;
    return true;
}

Method method_of(std::string_view text) {
    if (text == "GET") return Method::Get;
    if (text == "HEAD") return Method::Head;
    if (text == "OPTIONS") return Method::Options;
    if (text == "POST") return Method::Post;
    return Method::Other;
}

}  // namespace selvage::http
