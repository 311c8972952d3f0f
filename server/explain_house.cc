#include "server/explain_house.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <utility>

#include "server/catalogue/folder_catalogue.h"
#include "server/http/error_response.h"
#include "server/loop/timer.h"
#include "server/programs.h"

namespace selvage::server {

namespace {

constexpr std::chrono::seconds kPatience{60};  // for what is made; a coding of 64 MB takes some seconds
constexpr std::chrono::seconds kWorkerPatience{5};
constexpr const char* kNowhere = "/dev/null";  // no folder can be made in it

// What the releases before have left, when a server has begun to remember any. Nothing is written as long as nobody tells it of a
// new build.
std::shared_ptr<releases::Ledger> ledger_of(const std::string& root, const config::Config& config, Log& log) {
    std::error_code error;
    const bool any = std::filesystem::is_directory(config.cache.path + "/releases", error);
    const std::string folder = any ? config.cache.path : kNowhere;
    auto contents = std::make_shared<releases::Contents>(folder, config.releases.bytes, log);
    return std::make_shared<releases::Ledger>(
        folder, root,
        releases::Limits{
            .keep = config.releases.keep, .builds = config.releases.builds, .records = config.limits.catalogue_entries},
        std::move(contents), log);
}

}  // namespace

ExplainHouse::ExplainHouse(const config::ConfigPtr& config, Log& log)
    : log_(log),
      config_(config),
      store_(config->cache.path),
      background_(
          {}, [] { return 1.0; }, counters_),
      codings_(store_, background_, counters_, log),
      deltas_(store_, background_, counters_, log, 1),
      transforms_(loop_, {.program = worker_program(), .workers = 1, .queue = 1, .limits = config->image}, counters_, log),
      fills_(loop_, counters_),
      images_(loop_, pool_, store_, transforms_, fills_),
      hints_(pool_, counters_),
      services_{.loop = loop_,
                .control = loop_,
                .pool = pool_,
                .store = store_,
                .codings = codings_,
                .deltas = deltas_,
                .images = images_,
                .fills = fills_,
                .hints = hints_,
                .counters = counters_,
                .log = log} {
    deltas_.set_limits(config->dictionaries);
    images_.set_limits(config->image, config->limits);
}

ExplainHouse::~ExplainHouse() {
    background_.stop();
    fills_.clear();
}

Result<void> ExplainHouse::open() {
    using Opened = Result<std::shared_ptr<catalogue::Catalogue>>;
    const auto open = [this](const config::Site& site, const config::Config& config) -> Opened {
        return catalogue::open_catalogue(site.root,
                                         {.memory_file = config.limits.memory_file,
                                          .entries = config.limits.catalogue_entries,
                                          .follow_symlinks = site.follow_symlinks},
                                         log_, {.watch = false, .ledger = ledger_of(site.root, config, log_)});
    };
    snapshot_ = TRY(make_snapshot(config_, 1, open));
    exchange_ = std::make_unique<Exchange>(services_, snapshot_, nullptr);
    return {};
}

template <typename Done>
bool ExplainHouse::turn_until(Done done) {
    loop::Timer tick(loop_, [] {});  // bounds each turn
    tick.repeat(std::chrono::milliseconds(5));
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!done() && std::chrono::steady_clock::now() < deadline) loop_.turn();
    return done();
}

bool ExplainHouse::meet_worker() {
    if (images_.ready()) return true;
    bool ready = false;
    const auto deadline = std::chrono::steady_clock::now() + kWorkerPatience;
    transforms_.start([&ready] { ready = true; });
    turn_until([&] { return ready || std::chrono::steady_clock::now() > deadline; });
    if (ready) images_.set_epoch(transforms_.epoch());
    return ready;
}

http::Answer ExplainHouse::ask(const http::Request& request) {
    http::Reply reply = exchange_->handle(request);
    if (auto* answer = std::get_if<http::Answer>(&reply)) return std::move(*answer);
    std::optional<http::Answer> later;
    const http::Pending pending = std::move(std::get<http::Pending>(reply));
    pending->start([&later](http::Answer answer) { later = std::move(answer); });
    if (!turn_until([&later] { return later.has_value(); })) return http::status_answer(504);
    return *std::move(later);
}

}  // namespace selvage::server
