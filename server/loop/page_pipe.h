#pragma once

#include <cstddef>
#include <expected>
#include <string_view>

#include "base/file_descriptor.h"

namespace selvage::loop {

// Sends memory by reference to its pages: vmsplice() into a pipe, splice() from there into the socket. 1 MiB costs 93 µs so, 122
// by sendfile() from a file in the page cache, which goes through the same in steps of 64 KiB, and 150 with a copy.
//
// The socket refers to the pages until the peer has acknowledged them: nothing may write to them any more, nor use them for
// something else when they are unmapped (Blob::has_own_pages).
class PagePipe {
public:
    // Sends what a non-blocking socket takes; short only when it is full. `more`: something follows at once. Errors: errno.
    std::expected<std::size_t, int> send(int socket, std::string_view pages, bool more);

private:
    bool open();
    std::expected<std::size_t, int> send_some(int socket, std::string_view pages, bool more);

    FileDescriptor out_, in_;
};

}  // namespace selvage::loop
