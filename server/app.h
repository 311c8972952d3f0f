#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cache_store/store.h"
#include "server/access_log.h"
#include "server/admin/admin.h"
#include "server/catalogues.h"
#include "server/hints/hints.h"
#include "server/loop/poll.h"
#include "server/options.h"
#include "server/representations/codings.h"
#include "server/representations/deltas.h"
#include "server/representations/fills.h"
#include "server/representations/images.h"
#include "server/representations/niced_queue.h"
#include "server/representations/store_work.h"
#include "server/representations/transform_pool.h"
#include "server/shard_thread.h"
#include "server/upgrade/inheritance.h"
#include "server/upgrade/pid_file.h"
#include "server/upgrade/successor.h"

namespace selvage::server {

// The serving program: everything it owns, from start to drained. One per process.
//
// App ▸ control loop (signals, admin, transforms, fills, file watches) and one ShardThread per worker. Members are dropped from
// the last to the first: whoever posts to a loop goes before that loop.
class App final : admin::Operations {
public:
    App(CommandLine line, config::ConfigPtr config, upgrade::Inheritance inheritance, Log& log);
    ~App() override;

    // Binds, loads, starts threads. Errors: what the operator has to mend, as `detail`.
    Result<void> start();

    // Tells a predecessor that is waiting why there is nothing to wait for.
    void tell_failed(std::string_view reason) { inheritance_.tell_failed(reason); }

    // Serves until SIGTERM or SIGINT has been obeyed, or a successor serves: GOAWAY, what is in progress ends, or the deadline
    // does.
    void run();

    // False while a thread still encodes something nobody waits for.
    bool quiet() const { return !pool_.busy() && !background_.busy(); }

private:
    struct Prepared {
        SnapshotPtr snapshot;
        net::TlsContextPtr tls;
        std::vector<std::string> needs_restart;
    };
    using Preparation = std::expected<Prepared, std::vector<std::string>>;

    // admin::Operations
    std::string metrics() override;
    bool ready() override { return announced_ && !draining_; }
    void reload(std::function<void(admin::ReloadOutcome)> done) override;
    void upgrade(std::function<void(admin::UpgradeOutcome)> done) override;
    void purge(admin::PurgeRequest request, std::string by, std::function<void(Result<admin::PurgeOutcome>)> done) override;
    Result<admin::PurgeOutcome> purge_now(const admin::PurgeRequest& request, const std::string& by, const Snapshot& snapshot);

    representations::NicedQueue::Load own_load();
    Result<SnapshotPtr> snapshot_of(config::ConfigPtr config);
    Result<void> start_shards(const SnapshotPtr& snapshot, const net::TlsContextPtr& tls);
    unsigned connections_per_loop(std::size_t loops);  // limits.connections, or what descriptors allow
    Result<void> bind(const config::Endpoint& endpoint);
    Result<void> listen(std::size_t shard, FileDescriptor socket, const config::Endpoint& endpoint);
    Result<void> bind_admin();
    Result<void> listen_admin(FileDescriptor socket);
    void listen_to_the_rest();
    void start_successor();
    void successor_settled(const upgrade::Successor::Outcome& outcome);
    void give_up_upgrade();
    void finish_upgrade(admin::UpgradeOutcome outcome);
    void watch_signals();
    void announce();
    void write_pid_file();
    Preparation prepare_reload();
    admin::ReloadOutcome apply(Preparation prepared);
    void drain(std::string_view why);
    void drain_admin();
    void stop_when_drained();

    CommandLine line_;
    Log& log_;
    config::ConfigPtr config_;  // in force
    SnapshotPtr snapshot_;      // the same, opened
    loop::Loop control_;
    http::Counters counters_;  // the control loop's
    std::unique_ptr<cache_store::Store> store_;
    Catalogues catalogues_;
    loop::WorkPool pool_;
    representations::StoreWork store_work_;
    representations::NicedQueue background_;
    representations::Codings codings_;
    representations::Deltas deltas_;
    representations::TransformPool transforms_;
    representations::Fills fills_;
    hints::Hints hints_;
    representations::Images images_;
    const std::shared_ptr<net::TicketKeys> ticket_keys_ = std::make_shared<net::TicketKeys>();
    std::unique_ptr<AccessLog> access_log_;
    net::AddressTable addresses_;
    std::vector<std::unique_ptr<ShardThread>> shards_;
    admin::AdminDispatcher admin_dispatcher_;
    std::unique_ptr<Shard> admin_;
    std::vector<std::unique_ptr<loop::Signal>> signals_;
    loop::Timer deadline_;  // of being ready, then of draining
    loop::Timer tick_;
    std::vector<std::string> listening_;  // as printed
    upgrade::Inheritance inheritance_;    // until we are ready
    struct Deferred {
        std::size_t shard;
        FileDescriptor socket;
        config::Scheme scheme;
    };
    std::vector<Deferred> deferred_;  // bound, but nobody may queue there before it is certain that we will serve
    FileDescriptor deferred_admin_;   // inherited: its clients are the predecessor's until then
    std::string program_;             // as it was started
    std::vector<upgrade::Successor::Socket> sockets_;  // of ours, for a successor
    std::unique_ptr<upgrade::Successor> successor_;
    std::function<void(admin::UpgradeOutcome)> upgrade_done_;  // set while one is under way
    loop::Operation upgrade_;
    upgrade::PidFile pid_file_;
    std::uint64_t generations_ = 0;  // handed out; by start() and the one reload under way
    std::uint64_t generation_ = 0;   // in force
    bool reloading_ = false;
    std::vector<std::function<void(admin::ReloadOutcome)>> reload_again_;  // asked for while one was under way
    loop::Operation reload_;
    std::size_t shards_left_ = 0;  // that drain
    bool announced_ = false;
    bool draining_ = false;
};

}  // namespace selvage::server
