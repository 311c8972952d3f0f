#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "server/loop/loop.h"
#include "server/loop/tcp_stream.h"
#include "server/loop/timer.h"

namespace selvage::loop {

// Accepts on a listening socket, on one loop.
class TcpListener final : Watcher, Deferred {
public:
    using Handler = std::move_only_function<void(Accepted)>;

    enum class Port : std::uint8_t {
        Mine,    // fails when any other socket listens there
        Shared,  // SO_REUSEPORT: each loop binds its own, the kernel spreads connections
    };
    // A bound socket. `host` is an IPv4 or IPv6 literal.
    // Errors: BadRequest for a bad literal, Internal naming the reason ("address already in use").
    static Result<FileDescriptor> bind(const std::string& host, std::uint16_t port, Port sharing = Port::Shared);
    static std::uint16_t port_of(const FileDescriptor& socket);

    // TcpStream::limit_unsent for all that it will accept; before listen().
    static void limit_unsent(const FileDescriptor& socket, std::size_t bytes);

    // Calls the handler for each client.
    static Result<std::unique_ptr<TcpListener>> listen(Loop& loop, FileDescriptor socket, Handler handler);
    ~TcpListener();
    TcpListener(const TcpListener&) = delete;
    TcpListener& operator=(const TcpListener&) = delete;

private:
    TcpListener(Loop& loop, FileDescriptor socket, Handler handler);
    void on_ready(std::uint32_t) override { accept_some(); }
    void on_turn() override { accept_some(); }
    void accept_some();

    Loop& loop_;
    FileDescriptor socket_;
    Handler handler_;
    Timer again_;  // after a lack of descriptors
};

}  // namespace selvage::loop
