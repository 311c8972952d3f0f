#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/message.h"

namespace selvage::http {

// Collects a request's fields while they arrive in pieces. Views are made at the end, when the storage no longer moves; the
// capacity stays for the next request.
class RequestBuilder {
public:
    void clear();

    // Names must be lower case already. Pseudo-header names (":path") are kept apart from fields.
    void add(std::string_view name, std::string_view value);

    std::size_t fields() const { return spans_.size(); }
    std::size_t bytes() const { return storage_.size(); }

    // Fills `request.fields` and the pseudo-header members. Repeated fields are joined: "; " for cookie, ", " for the rest
    // (RFC 9110 §5.3, RFC 9113 §8.2.3). False when a field that must be single (host, content-length) is repeated with another
    // value.
    bool build(Request& request);

private:
    struct Span {
        std::uint32_t name, name_length, value, value_length;
    };
    std::string_view name(const Span& span) const { return {storage_.data() + span.name, span.name_length}; }
    std::string_view value(const Span& span) const { return {storage_.data() + span.value, span.value_length}; }
    bool join(Field& existing, std::string_view more);

    std::string storage_;
    std::vector<Span> spans_;
    std::deque<std::string> joined_;
};

Method method_of(std::string_view text);

}  // namespace selvage::http
