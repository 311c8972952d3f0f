#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/ip_address.h"
#include "base/result.h"
#include "server/loop/loop.h"

namespace selvage::loop {

// A client that has been accepted: its socket (non-blocking) and its address.
struct Accepted {
    FileDescriptor socket;
    IpAddress address;
};

// An accepted TCP connection. Dropping it closes the socket; none of its events follow.
//
// One recv() for each time the socket becomes readable, and none but that on an idle socket. The process ignores SIGPIPE.
class TcpStream final : Watcher, Deferred {
public:
    // None of them may drop the stream.
    class Events {
    public:
        virtual void on_bytes(std::string_view bytes) = 0;  // valid during the call
        virtual void on_end() = 0;                          // the peer finished or the connection failed
        virtual void on_lost() { on_end(); }                // it was reset: told at once, also while nobody reads
        virtual void on_writable() = 0;                     // after Sent::Some: there is room again

    protected:
        ~Events() = default;
    };

    TcpStream(Loop& loop, FileDescriptor socket, Events& events);
    ~TcpStream();
    TcpStream(const TcpStream&) = delete;
    TcpStream& operator=(const TcpStream&) = delete;

    void read_start();
    void read_stop() { reading_ = false; }
    bool read_once();  // now, if reading and there is something to read: true when one of the events was called

    // Sends what the socket takes now off the buffer's front. Some: on_writable() follows when there is room for the rest.
    // Errors: Internal when the connection is gone.
    enum class Sent : std::uint8_t { All, Some };
    Result<Sent> send(Buffer& buffer);

    // How much of what was sent may wait in the kernel before the network takes it; the socket counts as full then.
    void limit_unsent(std::size_t bytes);

    void shutdown();  // no more output: FIN after what was sent

    // When it is dropped, what the peer did not take is forgotten at once (RST); the kernel would keep trying for minutes.
    void forget_unsent();

private:
    void on_ready(std::uint32_t events) override;
    void on_turn() override { read_once(); }

    Loop& loop_;
    Events& events_;
    FileDescriptor socket_;
    bool reading_ = false;
    bool readable_ = false;  // there may be bytes that were not read
    bool hung_up_ = false;   // there will be no other event: read on to the end
    bool full_ = false;      // the last send() said Some
};

}  // namespace selvage::loop
