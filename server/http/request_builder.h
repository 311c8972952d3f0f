#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/message.h"

namespace selvage::http {

// What a field is: a place in kKnownFields, some other field, or a pseudo-header field (RFC 9113 §8.3).
using FieldKind = std::uint16_t;
inline constexpr FieldKind kOtherField = kKnownFields.size();
inline constexpr FieldKind kMethod = 0x100;
inline constexpr FieldKind kScheme = 0x101;
inline constexpr FieldKind kAuthority = 0x102;
inline constexpr FieldKind kPath = 0x103;
inline constexpr FieldKind kOtherPseudo = 0x104;
std::size_t field_kind(std::string_view lower_case_name);

// Collects a request's fields while they arrive in pieces. Views are made at the end, when the storage no longer moves; the
// capacity stays for the next request.
class RequestBuilder {
public:
    void clear();

    // Names must be lower case already. Pseudo-header names (":path") are kept apart from fields.
    void add(std::string_view name, std::string_view value) { add(name, value, field_kind(name)); }
    void add(std::string_view name, std::string_view value, std::size_t kind);  // kind: field_kind(name)

    std::size_t fields() const { return spans_.size(); }
    std::size_t bytes() const { return used_; }

    // Fills `request.fields` and the pseudo-header members. Repeated fields are joined: "; " for cookie, ", " for the rest
    // (RFC 9110 §5.3, RFC 9113 §8.2.3). False when a field that must be single (host, content-length) is repeated with another
    // value, or when :authority and Host do not name one and the same authority (RFC 9113 §8.3.1).
    bool build(Request& request);

private:
    // Only the names of other fields are copied.
    struct Span {
        std::uint32_t begin;  // in storage_: the name, if it is there, then the value
        std::uint32_t name_length;
        std::uint32_t value_length;
        std::uint32_t kind;
    };
    bool join(Field& existing, std::string_view more);
    void grow(std::size_t bytes);

    // Bytes of its own instead of a std::string: what add() costs, several times per request, halves.
    std::unique_ptr<char[]> storage_;
    std::size_t used_ = 0;
    std::size_t capacity_ = 0;
    std::vector<Span> spans_;
    std::vector<std::unique_ptr<std::string>> joined_;  // seldom any
};

Method method_of(std::string_view text);

}  // namespace selvage::http
