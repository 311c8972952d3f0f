#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace selvage::loop {

class BufferPool;

// A block for output, filled from the front. Goes back to its pool when dropped.
class Buffer {
public:
    // 256 KiB per write is where larger writes stop paying (connection-layer §2); the slack takes the overhead of TLS records
    // and the one frame that may overshoot.
    static constexpr std::size_t kTarget = 256 * 1024;
    static constexpr std::size_t kCapacity = kTarget + 48 * 1024;

    char* data() { return bytes_.get(); }
    const char* data() const { return bytes_.get(); }
    std::size_t size = 0;

private:
    std::unique_ptr<char[]> bytes_{new char[kCapacity]};
};

struct ReturnBuffer {
    BufferPool* pool = nullptr;
    void operator()(Buffer* buffer) const;
};
using BufferPtr = std::unique_ptr<Buffer, ReturnBuffer>;

// Free output buffers of one loop. An idle connection holds none.
class BufferPool {
public:
    BufferPtr take();
    std::size_t free_buffers() const { return free_.size(); }

private:
    friend struct ReturnBuffer;
    static constexpr std::size_t kKeep = 64;  // 19 MiB per loop at the most
    std::vector<std::unique_ptr<Buffer>> free_;
};

}  // namespace selvage::loop
