#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace selvage::http {

// 0, the most urgent, to 7. RFC 9218 §4.1.
using Urgency = std::uint8_t;
inline constexpr Urgency kUrgencies = 8;
inline constexpr Urgency kDefaultUrgency = 3;

// RFC 9218 §4.
struct Priority {
    Urgency urgency = kDefaultUrgency;
    bool incremental = false;  // worth having in pieces: takes turns with others of its kind
    friend bool operator==(const Priority&, const Priority&) = default;
};

// The value of a Priority field or of a PRIORITY_UPDATE frame: parameters that are absent, unknown or of another type count as
// not given (§4). Nothing when it is not a dictionary at all.
std::optional<Priority> parse_priority(std::string_view value);

// What a client that says nothing most likely wants first: documents 0, styles 1, fonts and scripts 2, the rest 3. A stylesheet
// behind fifteen images costs a visitor 2.5 s of blank page at 1.6 Mbit/s (static-delivery §7).
Urgency default_urgency(std::string_view content_type);

}  // namespace selvage::http
