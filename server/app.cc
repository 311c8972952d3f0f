#include "server/app.h"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <thread>

#include "config/loader.h"
#include "server/admin/metrics.h"
#include "server/net/development_certificate.h"
#include "server/programs.h"
#include "server/representations/own_load.h"
#include "server/upgrade/service_manager.h"

namespace selvage::server {

namespace {

// Images answer 503 until a worker is up; a folder without images should not wait for one that cannot start.
constexpr auto kWaitForWorkers = std::chrono::seconds(5);

unsigned cores() { return std::max(1U, std::thread::hardware_concurrency()); }

unsigned or_cores(unsigned configured) { return configured == 0 ? cores() : configured; }

std::uint64_t descriptor_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

// Every connection and every open file is a descriptor: before anything takes its share of them.
void raise_descriptor_limit(Log& log) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    constexpr rlim_t kFew = 4096;
    if (descriptor_limit() < kFew) {
        log.warn("start", "only {} descriptors are allowed: raise `ulimit -Hn` for more connections", descriptor_limit());
    }
}

cache_store::Limits store_limits(const config::Config& config) {
    return {
        .memory_bytes = config.cache.memory, .disk_bytes = config.cache.disk, .disk_write_rate = config.cache.disk_write_rate};
}

representations::Fills::Limits fill_limits(const config::Config& config) {
    return {.flights = config.limits.fills, .timeout = config.cache.fill_timeout};
}

representations::NicedQueue::Limits background_limits(const config::Config& config) {
    return {.most = config.compression.queue, .pause_above = config.compression.pause_above};
}

representations::TransformPool::Options transform_options(const config::Config& config) {
    const unsigned workers = or_cores(config.image.workers);
    return {.program = worker_program(),
            .workers = workers,
            .queue = config.image.queue,
            .heavy_queue = config.image.heavy_queue,
            .limits = config.image};
}

Result<net::TlsContextPtr> load_tls(const config::Config& config, const std::shared_ptr<net::TicketKeys>& ticket_keys, Log& log) {
    const auto is_https = [](const config::Endpoint& endpoint) { return endpoint.scheme == config::Scheme::Https; };
    if (std::ranges::none_of(config.server.listen, is_https)) return nullptr;
    const net::TlsOptions options{.ticket_keys = ticket_keys, .key_updates = config.tls.key_updates};
    if (!config.tls.certificate.empty()) return net::TlsContext::load(config.tls.certificate, config.tls.key, options);
    const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    const net::CertificateFiles files = TRY(net::development_certificate(config.cache.path, now));
    if (files.made) log.info("tls", "made a self-signed certificate for localhost: {}", files.certificate);
    return net::TlsContext::load(files.certificate, files.key, options);
}

}  // namespace

App::App(CommandLine line, config::ConfigPtr config, upgrade::Inheritance inheritance, Log& log)
    : line_(std::move(line)),
      log_(log),
      config_(std::move(config)),
      store_(cache_store::open_store(config_->cache.path, store_limits(*config_), log)),
      catalogues_(control_, log),
      pool_(cores() + 2),  // reads block, encodings compute: a few more threads than cores keep both going
      store_work_(control_, pool_, *store_),
      background_(background_limits(*config_), own_load(), counters_),
      codings_(*store_, background_, counters_, log),
      deltas_(*store_, background_, counters_, log, cores()),
      transforms_(control_, transform_options(*config_), counters_, log),
      fills_(control_, counters_),
      hints_(pool_, counters_),
      images_(control_, pool_, *store_, transforms_, fills_),
      addresses_(config_->limits),
      admin_dispatcher_(*this),
      deadline_(control_, [this] { draining_ ? stop_when_drained() : announce(); }),
      tick_(control_,
            [this] {
                if (admin_) admin_->tick();
            }),
      inheritance_(std::move(inheritance)),
      program_(program_as_started()) {}

App::~App() {
    catalogues_.stop();
    background_.stop();
    shards_.clear();
    fills_.clear();
    reload_.cancel();
}

// The loops and threads of this process, and the workers that are at a job.
representations::NicedQueue::Load App::own_load() {
    return [this, own = representations::OwnLoad()]() mutable {
        return own() + static_cast<double>(transforms_.pressure().busy_workers()) / cores();
    };
}

Result<void> App::start() {
    std::signal(SIGPIPE, SIG_IGN);
    // What is larger goes back to the system with its end. Left alone, glibc learns from the first 20 MB picture to keep the next
    // ones.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 2 << 20);
    raise_descriptor_limit(log_);
    deltas_.set_limits(config_->dictionaries);
    catalogues_.on_release([this](const auto& history, const auto& fresh) { deltas_.prepare(history, fresh); });
    const SnapshotPtr snapshot = TRY(snapshot_of(config_));
    const net::TlsContextPtr tls = TRY(load_tls(*config_, ticket_keys_, log_));
    if (!config_->server.access_log.empty()) access_log_ = TRY(AccessLog::open(config_->server.access_log, counters_, log_));
    TRY(start_shards(snapshot, tls));
    TRY(bind_admin());
    catalogues_.adopt(*snapshot);
    fills_.set_limits(fill_limits(*config_));
    images_.set_limits(config_->image, config_->limits);
    generation_ = snapshot->generation;
    snapshot_ = snapshot;
    return {};
}

Result<SnapshotPtr> App::snapshot_of(config::ConfigPtr config) {
    return make_snapshot(std::move(config), ++generations_,
                         [this](const config::Site& site, const config::Config& whole) { return catalogues_.open(site, whole); });
}

Result<void> App::start_shards(const SnapshotPtr& snapshot, const net::TlsContextPtr& tls) {
    const unsigned workers = or_cores(config_->server.workers);
    const unsigned connections = connections_per_loop(workers);
    const ShardThread::Surroundings around{.control = control_,
                                           .pool = pool_,
                                           .store = *store_,
                                           .codings = codings_,
                                           .deltas = deltas_,
                                           .images = images_,
                                           .fills = fills_,
                                           .hints = hints_,
                                           .addresses = addresses_,
                                           .log = log_};
    for (unsigned i = 0; i < workers; ++i) {
        AccessLog::Writer* writer = access_log_ ? &access_log_->add_writer() : nullptr;
        shards_.push_back(std::make_unique<ShardThread>(around, snapshot, tls, writer, connections));
    }
    for (const config::Endpoint& endpoint : config_->server.listen) TRY(bind(endpoint));
    return {};
}

unsigned App::connections_per_loop(std::size_t loops) {
    const std::uint64_t descriptors = descriptor_limit();
    const auto automatic = static_cast<unsigned>(std::min<std::uint64_t>(descriptors / 10 * 8, 1'000'000));
    const unsigned connections = config_->limits.connections == 0 ? automatic : config_->limits.connections;
    if (connections >= descriptors) {
        log_.warn("start", "limits.connections is {}, but only {} descriptors are allowed: raise `ulimit -Hn`", connections,
                  descriptors);
    }
    return std::max(1U, static_cast<unsigned>(connections / loops));
}

void App::run() {
    watch_signals();
    tick_.repeat(std::chrono::seconds(1));
    store_work_.start();
    deadline_.start(kWaitForWorkers);
    transforms_.start([this] {
        images_.set_epoch(transforms_.epoch());
        announce();
    });
    control_.run();
    signals_.clear();  // and with them our handlers: what comes now must not end us with another status
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) std::signal(number, SIG_IGN);
    shards_.clear();      // joined
    access_log_.reset();  // written
    store_->close();
    log_.info("stop", "drained");
}

void App::watch_signals() {
    const auto on = [this](int number, std::move_only_function<void()> action) {
        signals_.push_back(std::make_unique<loop::Signal>(control_, number, std::move(action)));
    };
    on(SIGTERM, [this] { drain("SIGTERM"); });
    on(SIGINT, [this] { drain("SIGINT"); });
    on(SIGHUP, [this] { reload([](const admin::ReloadOutcome&) {}); });
    on(SIGUSR2, [this] { upgrade([](const admin::UpgradeOutcome&) {}); });
    on(SIGUSR1, [this] {
        if (access_log_) access_log_->reopen();
        log_.info("access", "access log reopened");
    });
}

void App::announce() {
    if (announced_ || draining_) return;
    announced_ = true;
    deadline_.stop();
    // Until now connections have waited in the sockets' queues: the first request finds everything in place.
    listen_to_the_rest();
    for (const auto& shard : shards_) shard->start();
    if (!images_.ready()) log_.error("start", "no transform worker is up: images answer 503 until one is");
    write_pid_file();
    for (const std::string& line : listening_) {
        std::printf("%s\n", line.c_str());
        log_.info("start", "{}", line);
    }
    std::fflush(stdout);
    inheritance_.tell_ready();
    upgrade::tell_service_manager(fmt::format("READY=1\nMAINPID={}", ::getpid()));
    log_.info("start", "ready: {} loops, {} transform workers, cache {}", shards_.size(), or_cores(config_->image.workers),
              config_->cache.path);
}

// A server that cannot say who it is still serves.
void App::write_pid_file() {
    if (config_->server.pid_file.empty()) return;
    if (auto written = upgrade::PidFile::write(config_->server.pid_file)) {
        pid_file_ = *std::move(written);
    } else {
        log_.error("start", "{}", written.error().detail);
    }
}

std::string App::metrics() {
    std::vector<const http::Counters*> loops{&counters_};
    for (const auto& shard : shards_) loops.push_back(&shard->counters());
    return admin::metrics_text(loops, {.cache = store_->stats(),
                                       .transform_queue = transforms_.queued(),
                                       .transforms_light = transforms_.queued(representations::Lane::Light),
                                       .transforms_heavy = transforms_.queued(representations::Lane::Heavy),
                                       .transforms_background = transforms_.queued(representations::Lane::Background),
                                       .transform_memory = transforms_.memory(),
                                       .transform_workers = transforms_.ready_workers(),
                                       .transforms_busy = transforms_.busy_workers(),
                                       .work_queue = pool_.queued(loop::WorkPool::Lane::Now),
                                       .background_queue = background_.size(),
                                       .releases = catalogues_.totals(),
                                       .configuration_generation = generation_});
}

void App::reload(std::function<void(admin::ReloadOutcome)> done) {
    if (reloading_) {  // it may have read the files before they were changed: once more afterwards
        reload_again_.push_back(std::move(done));
        return;
    }
    reloading_ = true;
    reload_ = pool_.submit(
        control_, loop::WorkPool::Lane::Now, [this] { return prepare_reload(); },
        [this, done = std::move(done)](Preparation prepared) {
            reloading_ = false;
            done(apply(std::move(prepared)));
            if (reload_again_.empty()) return;
            reload([waiting = std::exchange(reload_again_, {})](const admin::ReloadOutcome& outcome) {
                for (const auto& each : waiting) each(outcome);
            });
        });
}

App::Preparation App::prepare_reload() {
    auto config = effective_configuration(line_);
    if (!config) return std::unexpected(std::move(config.error()));
    Prepared prepared;
    prepared.needs_restart = config::needs_restart(*config_, *config);
    const auto shared = std::make_shared<const config::Config>(*std::move(config));
    auto tls = load_tls(*shared, ticket_keys_, log_);
    if (!tls) return std::unexpected(std::vector{tls.error().detail});
    prepared.tls = std::move(*tls);
    auto snapshot = snapshot_of(shared);
    if (!snapshot) return std::unexpected(std::vector{snapshot.error().detail});
    prepared.snapshot = std::move(*snapshot);
    return prepared;
}

admin::ReloadOutcome App::apply(Preparation prepared) {
    if (!prepared) {
        counters_.add(http::Counter::ReloadsFailed);
        for (const std::string& mistake : prepared.error()) log_.error("reload", "{}", mistake);
        log_.error("reload", "refused: the configuration before stays in force");
        return {.mistakes = std::move(prepared.error()), .needs_restart = {}, .generation = generation_};
    }
    counters_.add(http::Counter::ReloadsOk);
    config_ = prepared->snapshot->config;
    generation_ = prepared->snapshot->generation;
    snapshot_ = prepared->snapshot;
    catalogues_.adopt(*prepared->snapshot);
    store_work_.set_limits(store_limits(*config_));
    background_.set_limits(background_limits(*config_));
    transforms_.set_limits(config_->image);
    fills_.set_limits(fill_limits(*config_));
    deltas_.set_limits(config_->dictionaries);
    images_.set_limits(config_->image, config_->limits);
    log_.set_level(config_->server.log_level);
    addresses_.set_limits(config_->limits);
    const unsigned connections = connections_per_loop(shards_.size());
    for (const auto& shard : shards_) shard->set_configuration(prepared->snapshot, prepared->tls, connections);
    for (const std::string& option : prepared->needs_restart) log_.warn("reload", "{} takes effect after a restart", option);
    log_.info("reload", "configuration {} is in force", generation_);
    return {.mistakes = {}, .needs_restart = std::move(prepared->needs_restart), .generation = generation_};
}

void App::drain(std::string_view why) {
    if (draining_) {  // asked twice: now
        stop_when_drained();
        return;
    }
    draining_ = true;
    background_.stop();
    catalogues_.stop();
    if (upgrade_done_) give_up_upgrade();
    if (!announced_) {
        control_.stop();
        return;
    }
    log_.info("stop", "{}: draining, {} s at most", why,
              std::chrono::duration_cast<std::chrono::seconds>(config_->server.drain_timeout).count());
    deadline_.start(config_->server.drain_timeout);
    sockets_.clear();
    shards_left_ += shards_.size();
    for (const auto& shard : shards_) {
        shard->drain([this] {
            if (--shards_left_ == 0) control_.stop();
        });
    }
}

void App::stop_when_drained() {
    log_.warn("stop", "cutting off what is left");
    for (const auto& shard : shards_) shard->abort();
    control_.stop();
}

}  // namespace selvage::server
