#include "server/representations/transform_pool.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "server/representations/memory_limit.h"

namespace selvage::representations {

namespace {

constexpr auto kTick = std::chrono::milliseconds(250);  // deadlines of the queue, and who left it

// Eight jobs per worker may wait (image-urls §3), as if each were as expensive as a cheap one can be. Thumbnails are a tenth of
// that, and a cold page asks for all of them at once: eight of them per worker refused eight of the demo's on two cores.
constexpr unsigned kQueuedPerWorker = 64;
constexpr auto kQueuedCostPerWorker = 8 * TransformQueue::kHeavy;

TransformQueue::Bounds bounds_of(const TransformPool::Options& options) {
    TransformQueue::Bounds bounds{.light = options.queue, .heavy = options.heavy_queue, .background = options.queue};
    if (options.queue == 0) {
        bounds.light = bounds.background = std::size_t{kQueuedPerWorker} * options.workers;
        bounds.light_cost = kQueuedCostPerWorker * options.workers;
    }
    if (options.heavy_queue == 0) bounds.heavy = options.workers;
    return bounds;
}

}  // namespace

TransformPool::TransformPool(loop::Loop& loop, Options options, http::Counters& counters, Log& log)
    : loop_(loop),
      options_(std::move(options)),
      half_of_memory_(memory_limit() / 2),
      counters_(counters),
      log_(log),
      queue_(bounds_of(options_)),
      tick_(loop, [this] { tick(); }),
      gathered_(loop, [this] { dispatch(); }) {}

TransformPool::~TransformPool() = default;

void TransformPool::start(std::move_only_function<void()> ready) {
    ready_ = std::move(ready);
    const TransformWorker::Surroundings around{
        .loop = loop_, .counters = counters_, .log = log_, .program = options_.program, .limits = options_.limits};
    Owner& owner = *this;
    for (unsigned i = 0; i < options_.workers; ++i) workers_.push_back(std::make_unique<TransformWorker>(around, owner));
    tick_.repeat(kTick);
}

void TransformPool::set_limits(const config::Image& limits) { options_.limits = limits; }

std::size_t TransformPool::ready_workers() const {
    return static_cast<std::size_t>(std::ranges::count_if(workers_, [](const auto& worker) { return worker->ready(); }));
}

std::size_t TransformPool::busy_workers() const {
    return static_cast<std::size_t>(std::ranges::count_if(workers_, [](const auto& worker) { return worker->busy(); }));
}

std::uint64_t TransformPool::memory() const {
    std::uint64_t sum = 0;
    for (const auto& worker : workers_) sum += worker->memory();
    return sum;
}

void TransformPool::said_hello(const transforms::worker::Hello& hello) {
    epoch_.assign(hello.epoch, strnlen(hello.epoch, sizeof hello.epoch));
    if (ready_) std::exchange(ready_, nullptr)();
    dispatch();
}

loop::Operation TransformPool::submit(TransformJob job, Done done) {
    auto interest = std::make_shared<loop::Interest>();
    // Never from within submit(): a refusal is settled in the next turn too.
    const auto refuse = [this, &interest](Done&& refused, std::unexpected<Error> error) {
        loop_.post([interest, refused = std::move(refused), error = std::move(error)]() mutable {
            interest->end([&] { refused(std::move(error)); });
        });
        return loop::Operation(interest);
    };
    if (poisons_.refuses(job.content, loop_.now())) {
        counters_.add(http::Counter::TransformRefused);
        return refuse(std::move(done), fail(ErrorKind::Unprocessable, "it crashed workers before", "poisoned_source"));
    }
    if (!queue_.has_room(job)) {
        counters_.limit_hit(bound_of(job));
        counters_.add(http::Counter::TransformOverloaded);
        return refuse(std::move(done), fail(ErrorKind::Overloaded, "the transform queue is full", "overloaded"));
    }
    queue_.push({std::move(job), std::move(done), interest, loop_.now()});
    loop_.post([this] { dispatch(); });
    return loop::Operation(std::move(interest));
}

http::LimitHit TransformPool::bound_of(const TransformJob& job) const {
    return TransformQueue::lane_of(job) == Lane::Heavy ? http::LimitHit::ImageHeavyQueue : http::LimitHit::ImageQueue;
}

// What is unwanted goes first, also while all workers are busy: its place is another's.
void TransformPool::dispatch() {
    for (Queued& queued : queue_.take_unwanted()) queued.skip();
    gathered_.stop();
    for (const auto& worker : workers_) {
        while (worker->idle() && !queue_.empty()) {
            TransformQueue::Choice choice = queue_.next(room());
            if (choice.batch.empty()) {
                if (choice.short_of_memory) counters_.add(http::Counter::TransformMemoryWaits);
                if (choice.ripens) {
                    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*choice.ripens - loop_.now());
                    gathered_.start(wait);
                }
                return tell_pressure();
            }
            give(*worker, std::move(choice.batch));
        }
    }
    tell_pressure();
}

// What waited while its source was with lost workers is refused as what comes later is.
void TransformPool::give(TransformWorker& worker, TransformQueue::Batch batch) {
    if (!poisons_.refuses(batch.entries.front().job.content, loop_.now())) return worker.take(std::move(batch));
    for (Queued& queued : batch.entries) {
        counters_.add(http::Counter::TransformRefused);
        queued.settle(fail(ErrorKind::Unprocessable, "it crashed workers before", "poisoned_source"));
    }
}

TransformQueue::Room TransformPool::room() const {
    const auto kept = std::ranges::count_if(workers_, [](const auto& worker) { return worker->unhurried(); });
    const std::uint64_t budget = options_.limits.memory_budget != 0 ? options_.limits.memory_budget : half_of_memory_;
    TransformQueue::Room room{.now = loop_.now(), .gather = options_.limits.gather};
    room.unhurried = workers_.size() == 1 || static_cast<std::size_t>(kept) + 1 < workers_.size();
    if (busy_workers() > 0) room.memory = budget - std::min(budget, memory());
    return room;
}

void TransformPool::tell_pressure() {
    const std::size_t busy = busy_workers(), idle = ready_workers() - busy;
    pressure_.set_busy(static_cast<unsigned>(busy));
    std::chrono::microseconds work{0};
    if (idle == 0) {
        work = queue_.client_cost();
        for (const auto& worker : workers_) work += worker->remaining(loop_.now());
    }
    pressure_.set(static_cast<unsigned>(idle), queue_.has_room(Lane::Heavy), work / std::max<std::size_t>(workers_.size(), 1));
}

void TransformPool::put_back(std::vector<Queued> entries) {
    for (Queued& entry : entries) {
        entry.since = loop_.now();  // the wait so far was not for a worker
        queue_.push(std::move(entry));
    }
    loop_.post([this] { dispatch(); });
}

void TransformPool::blame(const Sha256& content, const std::string& name) {
    if (!poisons_.crashed(content, loop_.now())) return;
    counters_.add(http::Counter::SourcesPoisoned);
    log_.warn("transform", "{} is refused for an hour: two workers were lost to its content", name);
}

void TransformPool::tick() {
    for (Queued& late : queue_.take_late(loop_.now(), options_.limits.queue_timeout)) {
        counters_.limit_hit(http::LimitHit::ImageQueueTime);
        overloaded(std::move(late), "waited too long for a transform worker");
    }
    dispatch();
}

void TransformPool::overloaded(Queued queued, std::string why) {
    counters_.add(http::Counter::TransformOverloaded);
    queued.settle(fail(ErrorKind::Overloaded, std::move(why), "overloaded"));
}

}  // namespace selvage::representations
