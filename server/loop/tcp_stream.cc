#include "server/loop/tcp_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <expected>
#include <utility>

#include "server/loop/system_calls.h"

namespace selvage::loop {

namespace {

std::string_view text_of(const iovec& run) { return {static_cast<const char*>(run.iov_base), run.iov_len}; }

// What is followed by pages waits for them, to leave in one segment.
std::expected<std::size_t, int> send_copied(int socket, const Buffer::Front& front) {
    const int flags = MSG_NOSIGNAL | (front.last ? 0 : MSG_MORE);
    ssize_t sent = 0;
    if (front.pieces.size() == 1) {
        sent = raw_send(socket, front.pieces[0].iov_base, front.pieces[0].iov_len, flags);
    } else {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(front.pieces.data());
        message.msg_iovlen = front.pieces.size();
        sent = ::sendmsg(socket, &message, flags);
    }
    if (sent < 0) return std::unexpected(errno);
    return static_cast<std::size_t>(sent);
}

}  // namespace

TcpStream::TcpStream(Loop& loop, FileDescriptor socket, Events& events)
    : loop_(loop), events_(events), socket_(std::move(socket)) {
    loop_.readiness().watch(socket_.number(), *this);
}

TcpStream::~TcpStream() { loop_.readiness().forget(socket_.number(), *this); }

void TcpStream::read_start() {
    reading_ = true;
    if (readable_) call_soon(loop_);  // its event has been and gone
}

void TcpStream::on_ready(std::uint32_t events) {
    if ((events & EPOLLERR) != 0) {
        reading_ = readable_ = false;
        return events_.on_lost();
    }
    constexpr std::uint32_t kOver = EPOLLRDHUP | EPOLLHUP;
    hung_up_ |= (events & kOver) != 0;
    readable_ |= (events & (EPOLLIN | kOver)) != 0;
    if (full_ && (events & (EPOLLOUT | EPOLLHUP)) != 0) {
        full_ = false;
        events_.on_writable();
    }
    read_once();
}

bool TcpStream::read_once() {
    if (!reading_ || !readable_) return false;
    const std::span<char> block = loop_.read_buffer();
    const ssize_t size = raw_receive(socket_.number(), block.data(), block.size());
    const bool none = size < 0 && (errno == EAGAIN || errno == EINTR);
    if (none) {
        readable_ = errno == EINTR;
    } else if (size <= 0) {
        readable_ = reading_ = false;
        events_.on_end();
    } else {
        // A read that did not fill the block has emptied the socket: what comes later is another event.
        readable_ = static_cast<std::size_t>(size) == block.size() || hung_up_;
        events_.on_bytes({block.data(), static_cast<std::size_t>(size)});
    }
    if (reading_ && readable_) call_soon(loop_);  // the others first
    return !none;
}

Result<TcpStream::Sent> TcpStream::send(Buffer& buffer) {
    while (!buffer.empty()) {
        const Buffer::Front front = buffer.front();
        const auto sent = front.by_pages ? loop_.page_pipe().send(socket_.number(), text_of(front.pieces[0]), !front.last)
                                         : send_copied(socket_.number(), front);
        if (!sent && sent.error() == EINTR) continue;
        if (!sent && sent.error() != EAGAIN) return fail(ErrorKind::Internal, std::strerror(sent.error()));
        const bool full = !sent || *sent < front.size;
        if (sent) buffer.consume(*sent);
        if (full) {
            full_ = true;
            return Sent::Some;
        }
    }
    return Sent::All;
}

void TcpStream::limit_unsent(std::size_t bytes) {
    const int limit = static_cast<int>(bytes);
    setsockopt(socket_.number(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &limit, sizeof limit);
}

void TcpStream::forget_unsent() {
    const linger none{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_.number(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

void TcpStream::shutdown() { ::shutdown(socket_.number(), SHUT_WR); }

}  // namespace selvage::loop
