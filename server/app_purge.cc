// What App does when it is asked to purge.
#include <fmt/format.h>

#include "server/app.h"
#include "server/purging.h"

namespace selvage::server {

// Once asked for, a purge is not withdrawn, and several may be under way: they share what makes them durable.
void App::purge(admin::PurgeRequest request, std::string by, std::function<void(Result<admin::PurgeOutcome>)> done) {
    if (!snapshot_ || pool_.full(loop::WorkPool::Lane::Now)) {
        control_.post([done = std::move(done)] { done(fail(ErrorKind::Overloaded, "too much work waits already")); });
        return;
    }
    pool_.detach(loop::WorkPool::Lane::Now, [this, inbox = control_.inbox(), snapshot = snapshot_, request = std::move(request),
                                             by = std::move(by), done = std::move(done)]() mutable {
        inbox->post([outcome = purge_now(request, by, *snapshot), done = std::move(done)] { done(outcome); });
    });
}

// The audit line says what happened, whatever became of the client.
Result<admin::PurgeOutcome> App::purge_now(const admin::PurgeRequest& request, const std::string& by, const Snapshot& snapshot) {
    const auto purge = [&]() -> Result<admin::PurgeOutcome> {
        const cache_store::Purge wanted = TRY(purge_of(request, snapshot));
        const std::uint64_t sequence = TRY(store_->purge(wanted));
        return admin::PurgeOutcome{.sequence = sequence, .tags = wanted.tags.size() + wanted.globs.size()};
    };
    auto outcome = purge();
    const std::string_view effect = request.soft ? "soft" : "hard";
    if (outcome) {
        log_.info("purge", "{} by {}: sequence {}, {} tags: {}", effect, by, outcome->sequence, outcome->tags, describe(request));
    } else {
        log_.warn("purge", "{} by {} failed: {}: {}", effect, by, outcome.error().detail, describe(request));
    }
    return outcome;
}

}  // namespace selvage::server
