#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace selvage {

// Memory that is filled before a blob has it, by a read for example: so that what is read is not copied again.
class BlobBuffer {
public:
    BlobBuffer() = default;
    explicit BlobBuffer(std::size_t bytes);  // not initialised
    BlobBuffer(BlobBuffer&& other) noexcept { swap(other); }
    BlobBuffer& operator=(BlobBuffer&& other) noexcept {
        BlobBuffer(std::move(other)).swap(*this);
        return *this;
    }
    ~BlobBuffer();

    char* data() { return bytes_; }
    std::string_view view() const { return {bytes_, size_}; }

private:
    friend class Blob;
    void swap(BlobBuffer& other) noexcept;
    void seal();

    char* bytes_ = nullptr;
    std::size_t size_ = 0;
    bool own_pages_ = false;
};

// Immutable bytes shared between threads: a response body, a stored object.
//
// Made once, never changed; referenced by BlobPtr from the store, the catalogue and every response being sent.
class Blob {
public:
    // Larger ones have pages of their own; 64 KiB is where sending by reference begins to pay (server/net).
    static constexpr std::size_t kPagesFrom = 64 * 1024;

    explicit Blob(std::string bytes);
    // `view`: within the buffer. All of the buffer is kept.
    Blob(BlobBuffer buffer, std::string_view view);
    ~Blob() = default;
    Blob(const Blob&) = delete;
    Blob& operator=(const Blob&) = delete;

    std::string_view view() const { return view_; }
    std::size_t size() const { return view_.size(); }
    // What is kept for it: at least its size.
    std::size_t kept_bytes() const { return buffer_.size_ > 0 ? buffer_.size_ : bytes_.size(); }

    // Its pages are nobody else's, read-only, and not used for anything else after it: a socket may refer to them for as long as
    // it needs, which may be longer than the blob lives.
    bool has_own_pages() const { return buffer_.own_pages_; }

private:
    std::string_view view_;  // first: in the cache line of the reference count
    std::string bytes_;      // either these, or a buffer
    BlobBuffer buffer_;
};

using BlobPtr = std::shared_ptr<const Blob>;

inline BlobPtr make_blob(std::string bytes) { return std::make_shared<const Blob>(std::move(bytes)); }
inline BlobPtr make_blob(BlobBuffer buffer, std::string_view view) {
    return std::make_shared<const Blob>(std::move(buffer), view);
}

}  // namespace selvage
