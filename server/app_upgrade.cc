// How App makes room for its successor.
#include <fmt/format.h>

#include "server/app.h"
#include "server/upgrade/service_manager.h"

namespace selvage::server {

namespace {

// To load, open the cache and start its workers; a program that takes longer is not the one that was meant.
constexpr auto kPatience = std::chrono::seconds(30);

}  // namespace

// The cache's folder has one owner. It is left to the successor before that opens it; meanwhile what is made is not stored on
// disk.
void App::upgrade(std::function<void(admin::UpgradeOutcome)> done) {
    using enum admin::UpgradeOutcome::Verdict;
    if (!ready() || upgrade_done_) {
        const std::string reason = upgrade_done_ ? "an upgrade is under way" : draining_ ? "it drains" : "it is not ready yet";
        log_.warn("upgrade", "refused: {}", reason);
        control_.post([done = std::move(done), reason] { done({.verdict = Refused, .process = 0, .reason = reason}); });
        return;
    }
    upgrade_done_ = std::move(done);
    log_.info("upgrade", "starting {}", program_);
    upgrade_ = pool_.submit(
        control_, loop::WorkPool::Lane::Now,
        [this] {
            store_->release();
            return true;
        },
        [this](bool) { start_successor(); });
}

void App::start_successor() {
    using enum admin::UpgradeOutcome::Verdict;
    auto started = upgrade::Successor::start(
        control_, {.program = program_, .arguments = line_.arguments, .sockets = sockets_, .patience = kPatience},
        [this](const upgrade::Successor::Outcome& outcome) { successor_settled(outcome); });
    if (started) {
        successor_ = *std::move(started);
    } else {
        finish_upgrade({.verdict = Failed, .process = 0, .reason = std::move(started.error().detail)});
    }
}

void App::successor_settled(const upgrade::Successor::Outcome& outcome) {
    using enum admin::UpgradeOutcome::Verdict;
    if (!outcome.reason.empty()) {
        const std::string reason = outcome.reason;
        successor_.reset();
        return finish_upgrade({.verdict = Failed, .process = 0, .reason = reason});
    }
    upgrade::tell_service_manager(fmt::format("MAINPID={}", outcome.process));
    log_.info("upgrade", "process {} serves now", outcome.process);
    finish_upgrade({.verdict = Done, .process = outcome.process, .reason = {}});
    drain("upgrade");
    drain_admin();
}

void App::give_up_upgrade() {
    upgrade_.cancel();
    successor_.reset();  // killed
    finish_upgrade({.verdict = admin::UpgradeOutcome::Verdict::Refused, .process = 0, .reason = "it was told to end"});
}

void App::finish_upgrade(admin::UpgradeOutcome outcome) {
    const auto done = std::exchange(upgrade_done_, nullptr);
    if (outcome.verdict != admin::UpgradeOutcome::Verdict::Done) {
        log_.error("upgrade", "not upgraded: {}", outcome.reason);
        pool_.detach(loop::WorkPool::Lane::Now, [this] { store_->reclaim(); });
    }
    done(std::move(outcome));
}

// The listener is the successor's now. Who waits for an answer of ours still gets it.
void App::drain_admin() {
    if (!admin_) return;
    ++shards_left_;
    admin_->drain([this] {
        if (--shards_left_ == 0) control_.stop();
    });
}

}  // namespace selvage::server
