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
    using Starved = std::move_only_function<void()>;

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

    // Calls the handler for each client. `starved` is called when there is no descriptor for the next one (EMFILE, ENFILE), who
    // waits in the queue meanwhile: it is tried again after a tenth of a second, until there is one.
    static Result<std::unique_ptr<TcpListener>> listen(Loop& loop, FileDescriptor socket, Handler handler,
                                                       Starved starved = nullptr);
    ~TcpListener();
    // Those in the queue, who would be reset when the socket is closed by its last owner.
    void accept_rest() { accept_some(kBacklog); }
    TcpListener(const TcpListener&) = delete;
    TcpListener& operator=(const TcpListener&) = delete;

private:
    TcpListener(Loop& loop, FileDescriptor socket, Handler handler, Starved starved);
    // Between two accepts of a burst the connections that exist have their turn: a handshake is a third of a millisecond.
    static constexpr int kAcceptsPerTurn = 16;
    static constexpr int kBacklog = 4096;  // capped by net.core.somaxconn

    void on_ready(std::uint32_t) override { accept_some(kAcceptsPerTurn); }
    void on_turn() override { accept_some(kAcceptsPerTurn); }
    void accept_some(int most);
    bool somebody_waits() const;

    Loop& loop_;
    FileDescriptor socket_;
    Handler handler_;
    Starved starved_;
    Timer again_;  // after a lack of descriptors
};

}  // namespace selvage::loop
