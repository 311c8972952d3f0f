#pragma once

#include <functional>
#include <thread>

#include "server/exchange.h"
#include "server/shard.h"

namespace selvage::server {

// One worker thread: a loop and what belongs to it. Made, started, joined and dropped by the control thread.
class ShardThread {
public:
    struct Surroundings {
        loop::Loop& control;
        loop::WorkPool& pool;
        cache_store::Store& store;
        representations::Codings& codings;
        representations::Deltas& deltas;
        representations::Images& images;
        representations::Fills& fills;
        hints::Hints& hints;
        net::AddressTable& addresses;
        Log& log;
    };

    ShardThread(Surroundings around, const SnapshotPtr& snapshot, const net::TlsContextPtr& tls, AccessLog::Writer* access_log,
                unsigned most_connections);
    ~ShardThread();  // stops and joins
    ShardThread(const ShardThread&) = delete;
    ShardThread& operator=(const ShardThread&) = delete;

    Result<void> listen(FileDescriptor socket, config::Scheme scheme) {
        return shard_.listen(std::move(socket), scheme);
    }  // before start()
    void start();

    // From the control thread, while it runs:
    void set_configuration(SnapshotPtr snapshot, net::TlsContextPtr tls, unsigned most_connections);
    void give_up_some();
    void drain(std::function<void()> drained);  // `drained` runs on the control loop
    void abort();

    const http::Counters& counters() const { return counters_; }

private:
    loop::Loop& control_;
    loop::Loop loop_;
    http::Counters counters_;
    handlers::Services services_;
    Exchange exchange_;
    Shard shard_;
    loop::Timer tick_;
    std::thread thread_;
};

}  // namespace selvage::server
