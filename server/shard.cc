#include "server/shard.h"

#include <malloc.h>

#include <algorithm>

namespace selvage::server {

namespace {

// Below half of a crest of at least so many, the memory of those that left goes back to the system.
constexpr std::size_t kCrest = 512;

}  // namespace

Shard::Shard(net::ConnectionHost host, http::Counters& counters, config::ConfigPtr config, net::TlsContextPtr tls,
             unsigned most_connections)
    : host_(std::move(host)),
      counters_(counters),
      config_(std::move(config)),
      tls_(std::move(tls)),
      most_connections_(most_connections) {
    host_.ended = [this](net::Connection* connection) { drop(*connection); };
}

Shard::~Shard() = default;

Result<void> Shard::listen(FileDescriptor socket, config::Scheme scheme) {
    // In plain HTTP/1 answers in order and pages are referred to: a limit has no use there, and makes 86 µs of 47 for 1 MB.
    if (scheme == config::Scheme::Https) loop::TcpListener::limit_unsent(socket, net::Pace().unsent());
    listeners_.push_back(TRY(loop::TcpListener::listen(
        host_.loop, std::move(socket), [this, scheme](loop::Accepted client) { accepted(std::move(client), scheme); })));
    return {};
}

void Shard::accepted(loop::Accepted client, config::Scheme scheme) {
    if (connections_.size() >= most_connections_) {
        counters_.limit_hit(http::LimitHit::Connections);
        return;  // closed by being dropped
    }
    counters_.add(http::Counter::ConnectionsAccepted);
    counters_.add(http::Counter::ConnectionsOpen);
    auto connection =
        std::make_unique<net::Connection>(host_, std::move(client), scheme == config::Scheme::Https ? tls_ : nullptr, config_);
    connection->index = connections_.size();
    connections_.push_back(std::move(connection));
    connections_.back()->start();
}

void Shard::drop(const net::Connection& connection) {
    const std::size_t index = connection.index;
    std::unique_ptr<net::Connection> ended = std::move(connections_[index]);
    if (index + 1 != connections_.size()) {
        connections_[index] = std::move(connections_.back());
        connections_[index]->index = index;
    }
    connections_.pop_back();
    counters_.subtract(http::Counter::ConnectionsOpen);
    if (connections_.empty() && empty_) std::exchange(empty_, nullptr)();
}

void Shard::set_configuration(config::ConfigPtr config, net::TlsContextPtr tls) {
    config_ = std::move(config);
    tls_ = std::move(tls);
}

void Shard::tick() {
    const SteadyTime now = host_.loop.now();
    for (const auto& connection : connections_) connection->tick(now);
    crest_ = std::max(crest_, connections_.size());
    if (crest_ >= kCrest && connections_.size() < crest_ / 2) {
        crest_ = connections_.size();
        host_.pool.detach(loop::WorkPool::Lane::Background, [] { malloc_trim(0); });
    }
}

void Shard::drain(std::function<void()> empty) {
    listeners_.clear();
    if (connections_.empty()) return empty();
    empty_ = std::move(empty);
    for (const auto& connection : connections_) connection->drain();
}

void Shard::abort() {
    for (const auto& connection : connections_) connection->abort();
}

}  // namespace selvage::server
