#include "server/loop/tcp.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "server/loop/handle.h"

namespace selvage::loop {

struct TcpStream::Native {
    explicit Native(Loop& owner) : loop(owner) {}
    Loop& loop;
    HandlePtr<uv_tcp_t> handle;
    Events* events = nullptr;
};

namespace {

// A uv_write_t that owns its bytes: libuv cannot withdraw it, so it outlives the stream and frees itself.
struct WriteRequest {
    uv_write_t request;
    BufferPtr buffer;
};

uv_stream_t* as_stream(uv_tcp_t* handle) { return reinterpret_cast<uv_stream_t*>(handle); }

}  // namespace

TcpStream::TcpStream(Loop& loop) : native_(new Native(loop)) {
    native_->handle.reset(new uv_tcp_t);
    uv_tcp_init(loop.native(), native_->handle.get());
    native_->handle->data = native_.get();
}

TcpStream::~TcpStream() = default;

void TcpStream::set_events(Events* events) { native_->events = events; }

void TcpStream::read_start() {
    uv_read_start(
        as_stream(native_->handle.get()),
        [](uv_handle_t* handle, std::size_t, uv_buf_t* into) {
            auto* native = static_cast<Native*>(handle->data);
            if (!native) {
                *into = uv_buf_init(nullptr, 0);
                return;
            }
            const std::span<char> block = native->loop.read_buffer();
            *into = uv_buf_init(block.data(), static_cast<unsigned>(block.size()));
        },
        [](uv_stream_t* stream, ssize_t size, const uv_buf_t* from) {
            auto* native = static_cast<Native*>(stream->data);
            if (!native || size == 0) return;
            if (size < 0) {
                uv_read_stop(stream);
                native->events->on_end();
                return;
            }
            native->events->on_bytes({from->base, static_cast<std::size_t>(size)});
        });
}

void TcpStream::read_stop() { uv_read_stop(as_stream(native_->handle.get())); }

Result<std::size_t> TcpStream::try_write(std::string_view bytes) {
    const uv_buf_t block = uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
    const int taken = uv_try_write(as_stream(native_->handle.get()), &block, 1);
    if (taken >= 0) return static_cast<std::size_t>(taken);
    if (taken == UV_EAGAIN) return 0;
    return fail(ErrorKind::Internal, uv_strerror(taken));
}

void TcpStream::write(BufferPtr buffer, std::size_t offset) {
    auto* request = new WriteRequest{.request = {}, .buffer = std::move(buffer)};
    request->request.data = request;
    const uv_buf_t block = uv_buf_init(request->buffer->data() + offset, static_cast<unsigned>(request->buffer->size - offset));
    uv_write(&request->request, as_stream(native_->handle.get()), &block, 1, [](uv_write_t* written, int status) {
        const std::unique_ptr<WriteRequest> owned(static_cast<WriteRequest*>(written->data));
        auto* native = static_cast<Native*>(written->handle->data);
        if (native) native->events->on_written(status == 0);
    });
}

void TcpStream::shutdown() {
    auto* request = new uv_shutdown_t;
    const int code = uv_shutdown(request, as_stream(native_->handle.get()), [](uv_shutdown_t* ended, int) { delete ended; });
    if (code != 0) delete request;
}

std::string TcpStream::peer_address() const {
    sockaddr_storage address = {};
    int length = sizeof address;
    char text[INET6_ADDRSTRLEN] = {};
    if (uv_tcp_getpeername(native_->handle.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
    if (address.ss_family == AF_INET6) {
        uv_ip6_name(reinterpret_cast<const sockaddr_in6*>(&address), text, sizeof text);
    } else {
        uv_ip4_name(reinterpret_cast<const sockaddr_in*>(&address), text, sizeof text);
    }
    return text;
}

struct TcpListener::Native {
    HandlePtr<uv_tcp_t> handle;
    Loop* loop = nullptr;
    Accepted accepted;
};

TcpListener::TcpListener() : native_(new Native) {}
TcpListener::~TcpListener() = default;

Result<FileDescriptor> TcpListener::bind(const std::string& host, std::uint16_t port, Port sharing) {
    sockaddr_storage address = {};
    socklen_t length = 0;
    if (uv_ip4_addr(host.c_str(), port, reinterpret_cast<sockaddr_in*>(&address)) == 0) {
        length = sizeof(sockaddr_in);
    } else if (uv_ip6_addr(host.c_str(), port, reinterpret_cast<sockaddr_in6*>(&address)) == 0) {
        length = sizeof(sockaddr_in6);
    } else {
        return fail(ErrorKind::BadRequest, fmt::format("'{}' is not an IPv4 or IPv6 address", host));
    }
    FileDescriptor socket(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    if (!socket) return fail(ErrorKind::Internal, std::strerror(errno));
    setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (sharing == Port::Shared) setsockopt(socket.number(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (address.ss_family == AF_INET6) setsockopt(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        return fail(ErrorKind::Internal, fmt::format("cannot listen on {} port {}: {}", host, port, std::strerror(errno)));
    }
    return socket;
}

std::uint16_t TcpListener::port_of(const FileDescriptor& socket) {
    sockaddr_storage address = {};
    socklen_t length = sizeof address;
    getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &length);
    if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

Result<std::unique_ptr<TcpListener>> TcpListener::listen(Loop& loop, FileDescriptor socket, Accepted accepted) {
    std::unique_ptr<TcpListener> listener(new TcpListener);
    Native& native = *listener->native_;
    native.loop = &loop;
    native.accepted = std::move(accepted);
    native.handle.reset(new uv_tcp_t);
    uv_tcp_init(loop.native(), native.handle.get());
    native.handle->data = &native;
    if (const int code = uv_tcp_open(native.handle.get(), socket.release()); code != 0) {
        return fail(ErrorKind::Internal, uv_strerror(code));
    }
    constexpr int kBacklog = 4096;  // capped by net.core.somaxconn
    const int code = uv_listen(as_stream(native.handle.get()), kBacklog, [](uv_stream_t* server, int status) {
        auto* owner = static_cast<Native*>(server->data);
        if (!owner || status != 0) return;
        std::unique_ptr<TcpStream> stream(new TcpStream(*owner->loop));
        if (uv_accept(server, as_stream(stream->native_->handle.get())) != 0) return;
        uv_tcp_nodelay(stream->native_->handle.get(), 1);
        owner->accepted(std::move(stream));
    });
    if (code != 0) return fail(ErrorKind::Internal, uv_strerror(code));
    return listener;
}

}  // namespace selvage::loop
