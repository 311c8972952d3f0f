#include "base/bytes.h"

#include <sys/mman.h>

#include <cstring>
#include <utility>

namespace selvage {

Blob::Blob(std::string bytes) {
    if (bytes.size() >= kPagesFrom) {
        void* pages = mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        own_pages_ = pages != MAP_FAILED;
        if (own_pages_) {
            std::memcpy(pages, bytes.data(), bytes.size());
            mprotect(pages, bytes.size(), PROT_READ);
            view_ = {static_cast<const char*>(pages), bytes.size()};
            return;
        }
    }
    bytes_ = std::move(bytes);
    // An encoder's buffer is as large as its input: 26 bytes would keep 32 MiB that no limit counts.
    bytes_.shrink_to_fit();
    view_ = bytes_;
}

Blob::~Blob() {
    if (own_pages_) munmap(const_cast<char*>(view_.data()), view_.size());
}

}  // namespace selvage
