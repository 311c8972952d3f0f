#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace selvage {

// Immutable bytes shared between threads: a response body, a stored object.
//
// Made once, never changed; referenced by BlobPtr from the store, the catalogue and every response being sent.
class Blob {
public:
    // Larger ones have pages of their own; 64 KiB is where sending by reference begins to pay (server/net).
    static constexpr std::size_t kPagesFrom = 64 * 1024;

    explicit Blob(std::string bytes);
    ~Blob();
    Blob(const Blob&) = delete;
    Blob& operator=(const Blob&) = delete;

    std::string_view view() const { return view_; }
    std::size_t size() const { return view_.size(); }

    // Its pages are nobody else's, read-only, and not used for anything else after it: a socket may refer to them for as long as
    // it needs, which may be longer than the blob lives.
    bool has_own_pages() const { return own_pages_; }

private:
    std::string bytes_;  // either these, or a mapping
    std::string_view view_;
    bool own_pages_ = false;
};

using BlobPtr = std::shared_ptr<const Blob>;

inline BlobPtr make_blob(std::string bytes) { return std::make_shared<const Blob>(std::move(bytes)); }

}  // namespace selvage
