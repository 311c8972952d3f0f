#pragma once

#include <string_view>

#include "base/result.h"

namespace selvage::transforms::worker {

// The bytes of a job's source, mapped for reading.
class MappedSource {
public:
    // Errors: Internal when the descriptor is not sealed against shrinking and writing (a change while decoding could crash us,
    // or fool a check), its size is not `size`, or it cannot be mapped.
    static Result<MappedSource> map(int descriptor, std::uint64_t size);

    MappedSource(MappedSource&& other) noexcept;
    MappedSource& operator=(MappedSource&&) = delete;
    ~MappedSource();

    std::string_view bytes() const { return bytes_; }

private:
    explicit MappedSource(std::string_view bytes) : bytes_(bytes) {}

    std::string_view bytes_;
};

}  // namespace selvage::transforms::worker
