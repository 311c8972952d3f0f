#include "server/loop/tcp_listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <uv.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace selvage::loop {

namespace {

constexpr auto kPause = std::chrono::milliseconds(100);

IpAddress address_of(const sockaddr_storage& address) {
    IpAddress found = IpAddress::v4(0, 0, 0, 0);
    if (address.ss_family == AF_INET6) {
        std::memcpy(found.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, sizeof(in6_addr));
    } else {
        std::memcpy(&found.bytes[12], &reinterpret_cast<const sockaddr_in&>(address).sin_addr, sizeof(in_addr));
    }
    return found;
}

// The address that an IPv4 or IPv6 literal names; its length, 0 when it is none.
socklen_t parse_literal(const std::string& host, std::uint16_t port, sockaddr_storage& address) {
    if (uv_ip4_addr(host.c_str(), port, reinterpret_cast<sockaddr_in*>(&address)) == 0) return sizeof(sockaddr_in);
    if (uv_ip6_addr(host.c_str(), port, reinterpret_cast<sockaddr_in6*>(&address)) == 0) return sizeof(sockaddr_in6);
    return 0;
}

void set_option(const FileDescriptor& socket, int level, int name, int value = 1) {
    setsockopt(socket.number(), level, name, &value, sizeof value);
}

}  // namespace

Result<FileDescriptor> TcpListener::bind(const std::string& host, std::uint16_t port, Port sharing) {
    sockaddr_storage address{};
    const socklen_t length = parse_literal(host, port, address);
    if (length == 0) return fail(ErrorKind::BadRequest, fmt::format("'{}' is not an IPv4 or IPv6 address", host));
    FileDescriptor socket(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return fail(ErrorKind::Internal, std::strerror(errno));
    set_option(socket, SOL_SOCKET, SO_REUSEADDR);
    if (sharing == Port::Shared) set_option(socket, SOL_SOCKET, SO_REUSEPORT);
    if (address.ss_family == AF_INET6) set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY);
    set_option(socket, IPPROTO_TCP, TCP_NODELAY);  // accepted sockets inherit it: no call of their own
    if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        return fail(ErrorKind::Internal, fmt::format("cannot listen on {} port {}: {}", host, port, std::strerror(errno)));
    }
    return socket;
}

std::uint16_t TcpListener::port_of(const FileDescriptor& socket) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &length);
    if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

void TcpListener::limit_unsent(const FileDescriptor& socket, std::size_t bytes) {
    set_option(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, static_cast<int>(bytes));
}

Result<std::unique_ptr<TcpListener>> TcpListener::listen(Loop& loop, FileDescriptor socket, Handler handler, Starved starved) {
    if (::listen(socket.number(), kBacklog) != 0) return fail(ErrorKind::Internal, std::strerror(errno));
    return std::unique_ptr<TcpListener>(new TcpListener(loop, std::move(socket), std::move(handler), std::move(starved)));
}

TcpListener::TcpListener(Loop& loop, FileDescriptor socket, Handler handler, Starved starved)
    : loop_(loop), socket_(std::move(socket)), handler_(std::move(handler)), starved_(std::move(starved)), again_(loop, [this] {
          accept_some(kAcceptsPerTurn);
      }) {
    loop_.readiness().watch(socket_.number(), *this);
}

TcpListener::~TcpListener() { loop_.readiness().forget(socket_.number(), *this); }

bool TcpListener::somebody_waits() const {
    pollfd listener{.fd = socket_.number(), .events = POLLIN, .revents = 0};
    return ::poll(&listener, 1, 0) > 0;
}

// Until there is none left: the socket tells only once.
void TcpListener::accept_some(int most) {
    for (int accepted = 0; accepted < most; ++accepted) {
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        FileDescriptor socket(
            accept4(socket_.number(), reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (socket) {
            handler_({.socket = std::move(socket), .address = address_of(address)});
            continue;
        }
        if (errno == EAGAIN) return;
        const int fault = errno;
        // Without descriptors or memory the client stays in the queue; ECONNABORTED and its like are about one client alone.
        const bool starved = fault == EMFILE || fault == ENFILE;
        // The kernel looks for a descriptor before it looks for a client: the last one went to the last client, and that is all.
        if (starved && !somebody_waits()) return;
        if (starved || fault == ENOBUFS || fault == ENOMEM) {
            again_.start(kPause);
            if (starved && starved_) starved_();
            return;
        }
    }
    call_soon(loop_);
}

}  // namespace selvage::loop
