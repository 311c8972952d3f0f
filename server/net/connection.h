#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "server/http/session.h"
#include "server/loop/deferred.h"
#include "server/loop/tcp_stream.h"
#include "server/net/flush.h"
#include "server/net/pace.h"
#include "server/net/tls.h"

namespace selvage::net {

class Connection;

// What connections need of the loop they live on; outlives them.
struct ConnectionHost {
    loop::Loop& loop;
    loop::WorkPool& pool;
    http::Dispatcher& dispatcher;
    http::SessionObserver& observer;
    Log& log;
    std::shared_ptr<http::Http2Shared> http2 = http::make_http2_shared();
    // Called once for each connection, when it is over, in a turn of its own; drops the connection.
    std::move_only_function<void(Connection*)> ended = nullptr;
    std::unique_ptr<char[]> plain_buffer{new char[kPlain]};                 // one opened record
    std::unique_ptr<char[]> record_buffer{new char[SealedFlush::kRecord]};  // one record being filled

    static constexpr std::size_t kPlain = 16'896;  // 16 KiB and what a peer may add
};

// One client: a socket, TLS or not, and the session that its first bytes or ALPN choose.
//
// The pump, per read: open all records, feed the session, let it produce up to 256 KiB, seal, one write. What the socket does not
// take is kept, and nothing more is read or produced until it has left. An idle connection holds no buffer.
class Connection final : loop::TcpStream::Events, loop::Deferred {
public:
    Connection(ConnectionHost& host, loop::Accepted client, TlsContextPtr tls, config::ConfigPtr config);
    ~Connection();

    void start();
    void drain();               // no new requests; ends when what is in progress has
    void abort();               // now
    void tick(SteadyTime now);  // about once a second: deadlines
    std::size_t index = 0;      // the owner's
    bool idle() const;

private:
    void on_bytes(std::string_view bytes) override;
    void on_end() override;
    void on_writable() override;
    void on_turn() override;

    // Input to session: true when some was taken. An output must be at hand, since TLS answers while it reads.
    bool feed_some();
    bool feed_sealed();
    bool feed_plain();
    bool shake_hands();
    bool offer(std::string_view plain);  // to the session; what it does not take waits in plain_rest_
    void choose_session(bool http2);

    void resume();  // after a write or a finished operation: held input first
    void pump();
    enum class Flushed : std::uint8_t {
        All,   // nothing more can be said now
        More,  // the buffer was full
        Stop,  // the socket is full, or the connection over
    };
    Flushed flush_once();
    bool fill(Flush& flush);            // true when it stopped for lack of room
    bool send(loop::BufferPtr buffer);  // true: the socket took it all
    void hold_input();
    void wake() { call_soon(host_.loop); }
    void begin_close();  // FIN, then discard until the peer closes too (RFC 9112 §9.6)
    void end();
    void update_deadline();

    ConnectionHost& host_;
    SteadyTime deadline_;
    SteadyTime last_output_;  // or attempt at it
    std::size_t early_ = 0;   // SealedFlush
    Pace pace_;
    http::Waiting deadline_for_ = http::Waiting::Handler;  // one that none begins with
    http::LimitHit deadline_limit_ = http::LimitHit::Handshake;
    bool progressed_ = false;  // something has left since the deadline was set
    bool reading_ = false;
    bool peer_finished_ = false;
    bool failed_ = false;  // TLS or socket: nothing more can be said
    bool draining_ = false;
    bool lingering_ = false;
    bool over_ = false;
    loop::BufferPtr unsent_;  // what the socket did not take
    loop::TcpStream stream_;
    std::optional<TlsChannel> tls_;
    http::SessionContext context_;
    std::unique_ptr<http::Session> session_;
    std::string_view input_;  // lent for the current read: plain, or sealed
    std::string held_;        // input that had to wait for output
    std::string plain_rest_;  // opened, but not yet taken by the session; or a preface still incomplete
};

}  // namespace selvage::net
