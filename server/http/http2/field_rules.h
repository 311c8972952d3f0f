#pragma once

#include <cstdint>
#include <string_view>

namespace selvage::http::h2 {

// What can be said of a field by itself. RFC 9113 §8.2, §8.3.
struct FieldFacts {
    std::uint16_t kind = 0;    // field_kind() of its name
    bool well_formed = false;  // in a request; what depends on the other fields is judged by RequestFields
};

FieldFacts judge_field(std::string_view name, std::string_view value);

}  // namespace selvage::http::h2
