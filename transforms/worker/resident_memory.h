#pragma once

#include <cstdint>

#include "base/file_descriptor.h"

namespace selvage::transforms::worker {

// Resident memory of this process. Opens what it reads when it is made, which has to be before the sandbox shuts.
class ResidentMemory {
public:
    ResidentMemory();
    std::uint64_t bytes() const;  // 0: unknown

private:
    FileDescriptor statm_;  // /proc/self/statm
};

}  // namespace selvage::transforms::worker
