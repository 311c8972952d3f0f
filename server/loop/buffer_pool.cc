#include "server/loop/buffer_pool.h"

namespace selvage::loop {

BufferPtr BufferPool::take() {
    if (free_.empty()) return BufferPtr(new Buffer, ReturnBuffer{this});
    std::unique_ptr<Buffer> buffer = std::move(free_.back());
    free_.pop_back();
    buffer->size = 0;
    return BufferPtr(buffer.release(), ReturnBuffer{this});
}

void ReturnBuffer::operator()(Buffer* buffer) const {
    std::unique_ptr<Buffer> owned(buffer);
    if (pool->free_.size() < BufferPool::kKeep) pool->free_.push_back(std::move(owned));
}

}  // namespace selvage::loop
