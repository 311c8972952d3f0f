#include "server/http/request_builder.h"

namespace selvage::http {

void RequestBuilder::clear() {
    storage_.clear();
    spans_.clear();
    joined_.clear();
}

void RequestBuilder::add(std::string_view name, std::string_view value) {
    const auto at = static_cast<std::uint32_t>(storage_.size());
    storage_.append(name).append(value);
    spans_.push_back({at, static_cast<std::uint32_t>(name.size()), at + static_cast<std::uint32_t>(name.size()),
                      static_cast<std::uint32_t>(value.size())});
}

bool RequestBuilder::build(Request& request) {
    request.fields.clear();
    for (const Span& span : spans_) {
        const std::string_view field = name(span);
        const std::string_view text = value(span);
        if (field.starts_with(':')) {
            if (field == ":method") request.method_text = text;
            if (field == ":path") request.target = text;
            if (field == ":authority") request.authority = text;
            continue;
        }
        bool joined = false;
        for (Field& existing : request.fields) {
            if (existing.name != field) continue;
            if (!join(existing, text)) return false;
            joined = true;
            break;
        }
        if (!joined) request.fields.push_back({field, text});
    }
    if (request.authority.empty()) request.authority = request.field("host");
    request.method = method_of(request.method_text);
    return true;
}

bool RequestBuilder::join(Field& existing, std::string_view more) {
    if (existing.name == "host" || existing.name == "content-length") return existing.value == more;
    std::string& whole = joined_.emplace_back(existing.value);
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
