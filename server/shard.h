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
#include "server/net/shedding.h"
#include "server/net/tls.h"

namespace selvage::server {

// The listeners and connections of one loop. Everything here runs on that loop.
//
// Who comes when there are `most_connections` takes the place of the one that has been idle longest, which is told to leave; when
// none is idle, who comes is turned away. So it is with descriptors, which the whole process shares.
class Shard {
public:
    Shard(net::ConnectionHost host, http::Counters& counters, config::ConfigPtr config, net::TlsContextPtr tls,
          unsigned most_connections);
    ~Shard();

    // Errors: those of TcpListener.
    Result<void> listen(FileDescriptor socket, config::Scheme scheme);

    // For connections that come later.
    void set_configuration(config::ConfigPtr config, net::TlsContextPtr tls, unsigned most_connections);
    void tick();  // each second: deadlines

    // Some of those that were idle longest leave, for whoever in the process needs descriptors.
    void give_up_some();
    // What is done instead when a client of this shard waits for a descriptor, each tenth of a second.
    void when_starved(std::function<void()> starved) { starved_ = std::move(starved); }

    // No new connections, GOAWAY on the others; `empty` is called once, when the last is gone.
    void drain(std::function<void()> empty);
    void abort();  // what is left is cut off

private:
    void accepted(loop::Accepted client, config::Scheme scheme);
    std::size_t staying() const { return connections_.size() - shedding_.leaving(); }
    bool make_room();
    bool shed_one();  // false: there is none to shed
    void out_of_descriptors();
    void drop(net::Connection& connection);

    net::ConnectionHost host_;
    http::Counters& counters_;
    config::ConfigPtr config_;
    net::TlsContextPtr tls_;
    unsigned most_connections_;
    std::vector<std::unique_ptr<loop::TcpListener>> listeners_;
    net::Shedding::Connections connections_;
    net::Shedding shedding_{connections_};
    std::function<void()> starved_;
    std::size_t crest_ = 0;  // the most connections since memory was given back
    std::function<void()> empty_;
};

}  // namespace selvage::server
