#include "server/loop/page_pipe.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace selvage::loop {

namespace {

constexpr int kPipeSize = 1024 * 1024;  // what an unprivileged process may have (fs.pipe-max-size)

std::expected<std::size_t, int> result(ssize_t sent) {
    if (sent < 0) return std::unexpected(errno);
    return static_cast<std::size_t>(sent);
}

std::expected<std::size_t, int> copy(int socket, std::string_view bytes, bool more) {
    return result(::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
}

}  // namespace

bool PagePipe::open() {
    if (in_) return true;
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return false;
    out_.reset(ends[0]);
    in_.reset(ends[1]);
    fcntl(in_.number(), F_SETPIPE_SZ, kPipeSize);  // if refused, it takes 64 KiB at a time
    return true;
}

// What the pipe takes at once, or less when the socket takes less.
std::expected<std::size_t, int> PagePipe::send_some(int socket, std::string_view pages, bool more) {
    const iovec run{.iov_base = const_cast<char*>(pages.data()), .iov_len = pages.size()};
    const ssize_t referred = open() ? vmsplice(in_.number(), &run, 1, 0) : -1;
    if (referred <= 0) return copy(socket, pages, more);  // no descriptors left, or vmsplice() forbidden
    const auto size = static_cast<std::size_t>(referred);
    more |= size < pages.size();
    const auto sent = result(splice(out_.number(), nullptr, socket, nullptr, size, more ? SPLICE_F_MORE : 0U));
    if (!sent || *sent < size) {  // what is left in it would go to somebody else
        in_.reset();
        out_.reset();
    }
    return sent;
}

std::expected<std::size_t, int> PagePipe::send(int socket, std::string_view pages, bool more) {
    std::size_t done = 0;
    while (done < pages.size()) {
        const std::string_view rest = pages.substr(done);
        auto sent = send_some(socket, rest, more);
        // A full socket and an interrupted call look the same: a little more will tell, without the pipe.
        if (sent && *sent < rest.size() && !in_) {
            done += *sent;
            sent = copy(socket, rest.substr(*sent, 4096), true);
        }
        if (!sent) return done > 0 && sent.error() == EAGAIN ? std::expected<std::size_t, int>(done) : sent;
        done += *sent;
    }
    return done;
}

}  // namespace selvage::loop
