#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "server/http/session.h"
#include "server/loop/tcp.h"
#include "server/net/tls.h"

namespace selvage::net {

// What connections need of the loop they live on; outlives them.
struct ConnectionHost {
    loop::Loop& loop;
    loop::WorkPool& pool;
    http::Dispatcher& dispatcher;
    http::SessionObserver& observer;
    Log& log;
    std::unique_ptr<char[]> plain_buffer{new char[kPlain]};    // one opened record
    std::unique_ptr<char[]> record_buffer{new char[kRecord]};  // one record being filled

    static constexpr std::size_t kPlain = 16'896;  // 16 KiB and what a peer may add
    static constexpr std::size_t kRecord = 16'384;
};

// One client: a socket, TLS or not, and the session that its first bytes or ALPN choose.
//
// The pump, per read: open all records, feed the session, let it produce up to 256 KiB, seal, one write. What the socket does not
// take is handed over by pointer and nothing more is read or produced until it has left. An idle connection holds no buffer.
class Connection final : loop::TcpStream::Events {
public:
    // `ended` is called once, when the connection is over, never inside the constructor; it drops the connection.
    Connection(ConnectionHost& host, std::unique_ptr<loop::TcpStream> stream, TlsContextPtr tls, config::ConfigPtr config,
               std::move_only_function<void(Connection*)> ended);
    ~Connection() override;

    void start();
    void drain();               // no new requests; ends when what is in progress has
    void abort();               // now
    void tick(SteadyTime now);  // about once a second: deadlines
    std::size_t index = 0;      // the owner's
    bool idle() const;

private:
    class Flush;
    class PlainFlush;
    class SealedFlush;

    void on_bytes(std::string_view bytes) override;
    void on_end() override;
    void on_written(bool ok) override;

    // Input to session: true when some was taken. An output must be at hand, since TLS answers while it reads.
    bool feed_some();
    bool feed_sealed();
    bool feed_plain();
    bool offer(std::string_view plain);  // to the session; what it does not take waits in plain_rest_
    void choose_session(bool http2);

    void resume();  // after a write or a finished operation: held input first
    void pump();
    bool flush_once();                  // true: all of it left, and more may follow
    bool send(loop::BufferPtr buffer);  // true: the socket took it all
    void hold_input();
    void wake();
    void begin_close();  // FIN, then discard until the peer closes too (RFC 9112 §9.6)
    void end();
    void update_deadline();

    ConnectionHost& host_;
    std::unique_ptr<loop::TcpStream> stream_;
    std::unique_ptr<TlsChannel> tls_;
    http::SessionContext context_;
    std::unique_ptr<http::Session> session_;
    std::move_only_function<void(Connection*)> ended_;
    std::string_view input_;  // lent for the current read: plain, or sealed
    std::string held_;        // input that had to wait for output
    std::string plain_rest_;  // opened, but not yet taken by the session; or a preface still incomplete
    SteadyTime deadline_;
    http::Waiting deadline_for_ = http::Waiting::Nothing;
    http::LimitHit deadline_limit_ = http::LimitHit::Handshake;
    bool writing_ = false;     // a buffer is with libuv
    bool progressed_ = false;  // something has left since the deadline was set
    bool wake_posted_ = false;
    bool reading_ = false;
    bool peer_finished_ = false;
    bool failed_ = false;  // TLS or socket: nothing more can be said
    bool draining_ = false;
    bool lingering_ = false;
    bool over_ = false;
    std::shared_ptr<bool> alive_;  // for tasks posted to the loop
};

}  // namespace selvage::net
