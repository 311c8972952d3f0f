#include "server/shard.h"

#include <malloc.h>

#include <algorithm>

namespace selvage::server {

namespace {

// Below half of a crest of at least so many, the memory of those that left goes back to the system.
constexpr std::size_t kCrest = 512;

// So many, or an eighth of the limit, may be leaving beside those that stay.
constexpr std::size_t kLeaving = 16;

// Or a 64th of all, each tenth of a second in which there is no descriptor.
constexpr std::size_t kGivenUp = 8;

// In a second, after a reload has lowered the limit.
constexpr int kTrimmed = 1'000;

bool is_among(const IpAddress& address, const std::vector<Network>& networks) {
    return std::ranges::any_of(networks, [&](const Network& network) { return network.contains(address); });
}

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
        host_.loop, std::move(socket), [this, scheme](loop::Accepted client) { accepted(std::move(client), scheme); },
        [this] { out_of_descriptors(); })));
    return {};
}

// Who is refused is closed by being dropped, before anything was made for it.
void Shard::accepted(loop::Accepted client, config::Scheme scheme) {
    const bool balancer = host_.addresses != nullptr && is_among(client.address, config_->server.proxy_protocol);
    net::AddressTable::Place place;
    if (host_.addresses != nullptr && !balancer) {
        auto admitted = host_.addresses->admit(client.address, host_.loop.now());
        if (!admitted) return counters_.limit_hit(admitted.error());
        place = *std::move(admitted);
    }
    if (!make_room()) return counters_.limit_hit(http::LimitHit::Connections);
    counters_.add(http::Counter::ConnectionsAccepted);
    counters_.add(http::Counter::ConnectionsOpen);
    auto connection =
        std::make_unique<net::Connection>(host_, std::move(client), scheme == config::Scheme::Https ? tls_ : nullptr, config_);
    connection->index = connections_.size();
    connections_.push_back(std::move(connection));
    balancer ? connections_.back()->start_behind_balancer() : connections_.back()->start(std::move(place));
}

// Who is leaving has room for some moments beside those that stay.
bool Shard::make_room() {
    if (staying() < most_connections_) return true;
    if (!shed_one()) return false;
    if (shedding_.told() > std::max<std::size_t>(kLeaving, most_connections_ / 8)) shedding_.cut_off();
    return true;
}

bool Shard::shed_one() {
    const bool told = shedding_.tell_oldest();
    if (told) counters_.limit_hit(http::LimitHit::ConnectionsShed);
    return told;
}

void Shard::out_of_descriptors() {
    counters_.limit_hit(http::LimitHit::Descriptors);
    starved_ ? starved_() : give_up_some();
}

void Shard::give_up_some() {
    while (shedding_.cut_off()) {  // they were told the last time
    }
    const std::size_t some = std::max(kGivenUp, connections_.size() / 64);
    for (std::size_t i = 0; i < some && shed_one(); ++i) {
    }
}

void Shard::drop(net::Connection& connection) {
    shedding_.forget(connection);
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

void Shard::set_configuration(config::ConfigPtr config, net::TlsContextPtr tls, unsigned most_connections) {
    config_ = std::move(config);
    tls_ = std::move(tls);
    most_connections_ = most_connections;
}

void Shard::tick() {
    const SteadyTime now = host_.loop.now();
    for (const auto& connection : connections_) connection->tick(now);
    host_.record_buffers.release_all();
    shedding_.rest();
    for (int i = 0; i < kTrimmed && staying() > most_connections_ && shed_one(); ++i) {
    }
    crest_ = std::max(crest_, connections_.size());
    if (crest_ >= kCrest && connections_.size() < crest_ / 2) {
        crest_ = connections_.size();
        host_.pool.detach(loop::WorkPool::Lane::Background, [] { malloc_trim(0); });
    }
}

void Shard::drain(std::function<void()> empty) {
    for (const auto& listener : listeners_) listener->accept_rest();
    listeners_.clear();
    if (connections_.empty()) return empty();
    empty_ = std::move(empty);
    for (const auto& connection : connections_) connection->retire();
}

void Shard::abort() {
    for (const auto& connection : connections_) connection->abort();
}

}  // namespace selvage::server
