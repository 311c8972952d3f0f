#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"

namespace selvage::http {

// Where a session puts what it has to say: plain text of the connection's current output buffer (straight into it, or into the
// TLS record being filled). One flush takes a bounded amount; a session produces while there is room and stops.
class Output {
public:
    virtual ~Output() = default;

    // Bytes that may still be appended in this flush. Appending a little more (a frame header, a response head) is allowed.
    virtual std::size_t room() const = 0;
    virtual void append(std::string_view bytes) = 0;

    // The same for bytes of a blob: an output that can hold on to it until they have left takes more of them and copies none.
    // `run` lies within the blob.
    virtual std::size_t room_shared() const { return room(); }
    virtual void append_shared([[maybe_unused]] const BlobPtr& blob, std::string_view run) { append(run); }
};

}  // namespace selvage::http
