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
    explicit Blob(std::string bytes) : bytes_(std::move(bytes)) {}
    Blob(const Blob&) = delete;
    Blob& operator=(const Blob&) = delete;

    std::string_view view() const { return bytes_; }
    std::size_t size() const { return bytes_.size(); }

private:
    std::string bytes_;
};

using BlobPtr = std::shared_ptr<const Blob>;

inline BlobPtr make_blob(std::string bytes) { return std::make_shared<const Blob>(std::move(bytes)); }

}  // namespace selvage
