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
#include "server/net/addresses.h"
#include "server/net/flush.h"
#include "server/net/pace.h"
#include "server/net/proxy_header.h"
#include "server/net/slow_write.h"
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
    AddressTable* addresses = nullptr;  // null: clients are not limited by address, as on the admin listener
    // Called once for each connection, when it is over, in a turn of its own; drops the connection.
    std::move_only_function<void(Connection*)> ended = nullptr;
    RecordBuffers record_buffers = {};
    std::unique_ptr<char[]> plain_buffer{new char[kPlain]};                 // one opened record
    std::unique_ptr<char[]> record_buffer{new char[SealedFlush::kRecord]};  // one record being filled

    static constexpr std::size_t kPlain = 16'896;  // 16 KiB and what a peer may add
};

// One client: a socket, TLS or not, and the session that its first bytes or ALPN choose.
//
// The pump, per read: open all records, feed the session, let it produce up to 256 KiB, seal, one write. What the socket does not
// take is kept, and nothing more is read or produced until it has left. An idle connection holds no buffer, of ours or
// (a second later) of OpenSSL's.
class Connection final : loop::TcpStream::Events, loop::Deferred {
public:
    Connection(ConnectionHost& host, loop::Accepted client, TlsContextPtr tls, config::ConfigPtr config);
    ~Connection();

    void start(AddressTable::Place place = {});
    void start_behind_balancer();  // a PROXY header comes first, and its client is asked for in host.addresses
    void drain();                  // no new requests; ends when what is in progress has
    void retire();                 // the same, but who is between two requests, or has just come, has a second for one more
    void abort();                  // now
    void tick(SteadyTime now);     // about once a second: deadlines
    std::size_t index = 0;         // the owner's
    struct Shed : loop::Ring {     // Shedding's: who makes room
        enum class State : std::uint8_t { Stays, Told, Finishing, CutOff };
        explicit Shed(Connection& it) : connection(it) {}
        Connection& connection;
        SteadyTime idle_since;
        State state = State::Stays;
    } shed{*this};
    bool idle() const;
    SteadyTime idle_since() const { return last_use_; }  // while idle: since it began or the last request ended

private:
    static constexpr auto kLinger = std::chrono::seconds(2);

    void on_bytes(std::string_view bytes) override;
    void on_end() override;
    void on_lost() override;
    void on_writable() override;
    void on_turn() override;

    bool read_proxy_header();  // true when it is over and its client welcome

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
    bool answering() const;
    void give_notice();
    void begin_close();  // FIN, then discard until the peer closes too (RFC 9112 §9.6)
    void end();
    // --- connection_deadlines.cc
    void give_up(http::LimitHit limit);  // the client takes nothing: nothing can be said to it either
    void update_deadline();
    void wait_for_request(SteadyTime now, bool began_to_wait);

    ConnectionHost& host_;
    SteadyTime deadline_;
    SteadyTime last_output_;  // or attempt at it
    SteadyTime last_use_;     // a request began or ended
    std::uint64_t requests_ = 0;
    SlowWrite slow_write_;
    std::size_t early_ = 0;  // SealedFlush
    Pace pace_;
    http::Waiting deadline_for_ = http::Waiting::Handler;  // one that none begins with
    http::LimitHit deadline_limit_ = http::LimitHit::Handshake;
    bool progressed_ = false;  // something has left since the deadline was set
    bool reading_ = false;
    bool peer_finished_ = false;
    bool failed_ = false;  // TLS or socket: nothing more can be said
    bool draining_ = false;
    SteadyTime drain_from_;  // then the session is drained, each second
    bool heard_ = false;     // anything at all
    bool lingering_ = false;
    bool over_ = false;
    bool http2_ = false;
    loop::BufferPtr unsent_;  // what the socket did not take
    loop::TcpStream stream_;
    AddressTable::Place place_;
    std::unique_ptr<ProxyHeader> proxy_header_;  // while it is being read
    std::optional<TlsChannel> tls_;
    http::SessionContext context_;
    std::unique_ptr<http::Session> session_;
    std::string_view input_;  // lent for the current read: plain, or sealed
    std::string held_;        // input that had to wait for output
    std::string plain_rest_;  // opened, but not yet taken by the session; or a preface still incomplete
};

}  // namespace selvage::net
