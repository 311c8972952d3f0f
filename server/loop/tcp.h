#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "server/loop/loop.h"

namespace selvage::loop {

// An accepted TCP connection. Dropping it closes the socket; none of its events follow.
class TcpStream {
public:
    class Events {
    public:
        virtual ~Events() = default;
        virtual void on_bytes(std::string_view bytes) = 0;  // valid during the call; may drop the stream
        virtual void on_end() = 0;                          // the peer finished or the connection failed
        virtual void on_written(bool ok) = 0;               // the buffer of write() has left or been lost
    };

    ~TcpStream();
    TcpStream(const TcpStream&) = delete;
    TcpStream& operator=(const TcpStream&) = delete;

    void set_events(Events* events);  // before read_start()
    void read_start();
    void read_stop();

    // Hands over as much as the socket takes now. Bytes taken, 0 when it is full. Errors: Internal when the connection is gone.
    Result<std::size_t> try_write(std::string_view bytes);

    // Writes the buffer from `offset` on when the socket has room; one at a time.
    void write(BufferPtr buffer, std::size_t offset);

    void shutdown();  // no more output: FIN after what is queued

    std::string peer_address() const;  // without port; "" when unknown

private:
    friend class TcpListener;
    explicit TcpStream(Loop& loop);
    struct Native;
    std::unique_ptr<Native> native_;
};

// Accepts on a listening socket, on one loop.
class TcpListener {
public:
    using Accepted = std::move_only_function<void(std::unique_ptr<TcpStream>)>;

    enum class Port : std::uint8_t {
        Mine,    // fails when any other socket listens there
        Shared,  // SO_REUSEPORT: each loop binds its own, the kernel spreads connections
    };
    // A bound socket. `host` is an IPv4 or IPv6 literal.
    // Errors: BadRequest for a bad literal, Internal naming the reason ("address already in use").
    static Result<FileDescriptor> bind(const std::string& host, std::uint16_t port, Port sharing = Port::Shared);
    static std::uint16_t port_of(const FileDescriptor& socket);

    static Result<std::unique_ptr<TcpListener>> listen(Loop& loop, FileDescriptor socket, Accepted accepted);
    ~TcpListener();
    TcpListener(const TcpListener&) = delete;
    TcpListener& operator=(const TcpListener&) = delete;

private:
    TcpListener();
    struct Native;
    std::unique_ptr<Native> native_;
};

}  // namespace selvage::loop
