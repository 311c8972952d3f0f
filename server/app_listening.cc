// What App listens on: sockets of its own, or those that a predecessor has left.
#include <algorithm>

#include "config/loader.h"
#include "server/app.h"

namespace selvage::server {

// Every loop has a socket of its own on the same port; the first bind chooses it when it is left to the kernel. Each socket of a
// predecessor is taken, also when it had more loops than we have: those who wait there would be lost with it.
Result<void> App::bind(const config::Endpoint& endpoint) {
    std::vector<FileDescriptor> inherited = inheritance_.take_sockets(endpoint);
    config::Endpoint bound = endpoint;
    if (!inherited.empty()) {
        bound.port = loop::TcpListener::port_of(inherited.front());
    } else if (bound.port != 0) {
        // Sharing a port would also share it with another server, silently: it must be free first.
        TRY(loop::TcpListener::bind(bound.host, bound.port, loop::TcpListener::Port::Mine));
    }
    const std::size_t most = std::max(inherited.size(), shards_.size());
    for (std::size_t i = 0; i < most; ++i) {
        const std::size_t shard = i % shards_.size();
        if (i < inherited.size()) {
            TRY(listen(shard, std::move(inherited[i]), endpoint));
            continue;
        }
        FileDescriptor socket = TRY(loop::TcpListener::bind(bound.host, bound.port, loop::TcpListener::Port::Shared));
        bound.port = loop::TcpListener::port_of(socket);
        if (inheritance_.empty()) {
            TRY(listen(shard, std::move(socket), endpoint));
        } else {
            sockets_.push_back({.what = config::to_string(endpoint), .number = socket.number()});
            deferred_.push_back({.shard = shard, .socket = std::move(socket), .scheme = endpoint.scheme});
        }
    }
    listening_.push_back("listening " + config::to_string(bound));
    return {};
}

Result<void> App::listen(std::size_t shard, FileDescriptor socket, const config::Endpoint& endpoint) {
    sockets_.push_back({.what = config::to_string(endpoint), .number = socket.number()});
    return shards_[shard]->listen(std::move(socket), endpoint.scheme);
}

Result<void> App::bind_admin() {
    if (!config_->server.admin) return {};
    config::Endpoint bound = *config_->server.admin;
    admin_ = std::make_unique<Shard>(
        net::ConnectionHost{.loop = control_, .pool = pool_, .dispatcher = admin_dispatcher_, .observer = counters_, .log = log_},
        counters_, config_, nullptr, 256);
    // Its clients are few and know why they come: who makes room for them are the others.
    admin_->when_starved([this] {
        for (const auto& shard : shards_) shard->give_up_some();
    });
    auto inherited = inheritance_.take_admin(bound);
    FileDescriptor socket =
        inherited ? *std::move(inherited) : TRY(loop::TcpListener::bind(bound.host, bound.port, loop::TcpListener::Port::Mine));
    bound.port = loop::TcpListener::port_of(socket);
    listening_.push_back("admin " + config::to_string(bound));
    if (inheritance_.empty()) return listen_admin(std::move(socket));
    deferred_admin_ = std::move(socket);
    return {};
}

Result<void> App::listen_admin(FileDescriptor socket) {
    sockets_.push_back({.what = std::string(upgrade::kAdmin), .number = socket.number()});
    return admin_->listen(std::move(socket), config::Scheme::Http);
}

// Those who queue at a new socket would be reset if we did not come to serve, and the admin's clients want who serves.
void App::listen_to_the_rest() {
    const auto expect = [this](const Result<void>& listening) {
        if (!listening) log_.error("start", "cannot listen: {}", listening.error().detail);
    };
    for (Deferred& each : deferred_) expect(shards_[each.shard]->listen(std::move(each.socket), each.scheme));
    deferred_.clear();
    if (deferred_admin_) expect(listen_admin(std::move(deferred_admin_)));
}

}  // namespace selvage::server
