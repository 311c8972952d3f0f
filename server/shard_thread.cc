#include "server/shard_thread.h"

#include <csignal>

namespace selvage::server {

namespace {

constexpr auto kTick = std::chrono::seconds(1);

}  // namespace

ShardThread::ShardThread(Surroundings around, const SnapshotPtr& snapshot, const net::TlsContextPtr& tls,
                         AccessLog::Writer* access_log, unsigned most_connections)
    : control_(around.control),
      services_{.loop = loop_,
                .control = around.control,
                .pool = around.pool,
                .store = around.store,
                .codings = around.codings,
                .deltas = around.deltas,
                .images = around.images,
                .fills = around.fills,
                .hints = around.hints,
                .counters = counters_,
                .log = around.log,
                .heads = {},
                .now = {}},
      exchange_(services_, snapshot, access_log),
      shard_({.loop = loop_,
              .pool = around.pool,
              .dispatcher = exchange_,
              .observer = counters_,
              .log = around.log,
              .addresses = &around.addresses},
             counters_, snapshot->config, tls, most_connections),
      tick_(loop_, [this] {
          shard_.tick();
          exchange_.tick();
      }) {
    tick_.repeat(kTick);
}

ShardThread::~ShardThread() {
    if (!thread_.joinable()) return;
    loop_.post([this] { loop_.stop(); });
    thread_.join();
}

void ShardThread::start() {
    thread_ = std::thread([this] {
        sigset_t all;  // signals are the control loop's
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        loop_.run();
    });
}

void ShardThread::give_up_some() {
    loop_.post([this] { shard_.give_up_some(); });
}

void ShardThread::set_configuration(SnapshotPtr snapshot, net::TlsContextPtr tls, unsigned most_connections) {
    loop_.post([this, snapshot = std::move(snapshot), tls = std::move(tls), most_connections]() mutable {
        shard_.set_configuration(snapshot->config, std::move(tls), most_connections);
        exchange_.set_snapshot(std::move(snapshot));
    });
}

void ShardThread::drain(std::function<void()> drained) {
    loop_.post([this, drained = std::move(drained)] { shard_.drain([this, drained] { control_.post(drained); }); });
}

void ShardThread::abort() {
    loop_.post([this] { shard_.abort(); });
}

}  // namespace selvage::server
