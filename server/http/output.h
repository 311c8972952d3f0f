#pragma once

#include <cstddef>
#include <string_view>

namespace selvage::http {

// Where a session puts what it has to say: plain text of the connection's current output buffer (straight into it, or into the
// TLS record being filled). One flush takes a bounded amount; a session produces while there is room and stops.
class Output {
public:
    virtual ~Output() = default;

    // Bytes that may still be appended in this flush. Appending a little more (a frame header, a response head) is allowed.
    virtual std::size_t room() const = 0;
    virtual void append(std::string_view bytes) = 0;
};

}  // namespace selvage::http
