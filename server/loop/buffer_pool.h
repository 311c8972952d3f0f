#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace selvage::loop {

class BufferPool;

// What one flush has to say, in order: bytes of its own, and references to bytes that others keep. Goes back to its pool when
// dropped; the references go then, or as soon as their bytes have left.
class Buffer {
public:
    // 256 KiB per write is where larger writes stop paying (connection-layer §2); the slack takes the overhead of TLS records
    // and the one frame that may overshoot.
    static constexpr std::size_t kTarget = 256 * 1024;
    static constexpr std::size_t kCapacity = kTarget + 48 * 1024;
    static constexpr std::size_t kMostPieces = 64;

    Buffer();

    std::size_t size() const { return size_; }  // what has not left yet
    bool empty() const { return size_ == 0; }
    std::size_t copied() const { return used_; }

    // Copies. False (and nothing done) when it does not fit.
    bool append(std::string_view bytes);

    // A reference to bytes that `keeps` keeps as they are. When their pages stay as they are even without it (see Blob), they
    // may leave by PagePipe. False (and nothing done) when there are too many pieces.
    struct Shared {
        std::string_view bytes;
        std::shared_ptr<const void> keeps;
        bool by_pages = false;
    };
    bool append(Shared shared);
    bool takes_shared() const { return pieces_.size() + 1 < kMostPieces; }  // one is left for what is copied

    // The front, for whoever sends it: all that is to be copied, or one run of pages.
    struct Front {
        std::span<const iovec> pieces;
        std::size_t size = 0;
        bool by_pages = false;
        bool last = false;  // nothing comes after it
    };
    Front front();
    void consume(std::size_t count);  // it has left
    void clear();

private:
    struct Piece {
        const char* bytes;
        std::size_t size;
        std::shared_ptr<const void> keeps;
        bool by_pages;
    };

    std::unique_ptr<char[]> bytes_{new char[kCapacity]};
    std::size_t used_ = 0;  // of bytes_
    std::size_t size_ = 0;
    std::vector<Piece> pieces_;
    std::size_t gone_ = 0;  // pieces that have left
    std::vector<iovec> front_;
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
