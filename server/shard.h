#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "config/config.h"
#include "server/exchange.h"
#include "server/http/counters.h"
#include "server/loop/tcp_listener.h"
#include "server/loop/timer.h"
#include "server/net/connection.h"
#include "server/net/tls.h"

namespace selvage::server {

// The listeners and connections of one loop. Everything here runs on that loop.
class Shard {
public:
    Shard(net::ConnectionHost host, http::Counters& counters, config::ConfigPtr config, net::TlsContextPtr tls,
          unsigned most_connections);
    ~Shard();

    // Errors: those of TcpListener.
    Result<void> listen(FileDescriptor socket, config::Scheme scheme);

    void set_configuration(config::ConfigPtr config, net::TlsContextPtr tls);  // for connections that come later
    void tick();                                                               // each second: deadlines

    // No new connections, GOAWAY on the others; `empty` is called once, when the last is gone.
    void drain(std::function<void()> empty);
    void abort();  // what is left is cut off

private:
    void accepted(loop::Accepted client, config::Scheme scheme);
    void drop(const net::Connection& connection);

    net::ConnectionHost host_;
    http::Counters& counters_;
    config::ConfigPtr config_;
    net::TlsContextPtr tls_;
    unsigned most_connections_;
    std::vector<std::unique_ptr<loop::TcpListener>> listeners_;
    std::vector<std::unique_ptr<net::Connection>> connections_;
    std::size_t crest_ = 0;  // the most connections since memory was given back
    std::function<void()> empty_;
};

}  // namespace selvage::server
