#include "server/representations/deltas.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "base/stash.h"
#include "transforms/encodings/dcz.h"

namespace selvage::representations {

namespace {

using cache_store::Floor;
using std::chrono::steady_clock;

constexpr std::uint64_t kLeastWeight = 32 << 10;  // bytes: to have it made at all costs as much

// How much smaller than the fast one the best one gets: 11.5 to 16.1 % of br-11 over 54 releases (static-delivery §5).
constexpr std::uint64_t kBestPercent = 70;

Key128 key_for(const Sha256& target, const Sha256& dictionary, std::string_view effort) {
    return key_of({as_text(target), as_text(dictionary), transforms::kDczToken, effort, transforms::kEncodingsEpoch});
}

// Where contents are read to: memory whose pages are there from the last time.
struct Room {
    std::string bytes;
    void tidy_up() {
        if (bytes.capacity() > 2 * config::Dictionaries{}.on_the_fly) bytes = {};
    }
};

Stash<Room>& rooms() {
    static Stash<Room> rooms(std::max(config::Dictionaries{}.at_once * std::thread::hardware_concurrency(), 1U));
    return rooms;
}

std::chrono::microseconds since(steady_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - start);
}

// Encoders are a sixth faster where the content follows its dictionary in memory: to them it is one.
struct Both {
    std::string_view dictionary, target;
};

Result<Both> read_both(const DeltaPair& pair, std::string& room) {
    room.clear();
    TRY(pair.history->append(pair.dictionary, room));
    const std::size_t dictionary = room.size();
    TRY(pair.append_target(room));
    const std::string_view both = room;
    return Both{.dictionary = both.substr(0, dictionary), .target = both.substr(dictionary)};
}

cache_store::ObjectPtr object_of(const DeltaPair& pair, BlobPtr body, bool interim, std::chrono::microseconds took,
                                 const AsOf& as_of) {
    std::string made_for =
        fmt::format("{} in {} of {}", pair.path, transforms::kDczToken, hex(as_text(pair.dictionary).substr(0, 8)));
    return std::make_shared<const cache_store::Object>(cache_store::Object{
        .meta = to_meta(Facts{.interim = interim, .made_for = std::move(made_for)}),
        .body = std::move(body),
        .cost_ms = static_cast<std::uint32_t>(took.count() / 1'000),
        .created = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()),
        .birth = as_of.birth,
        .tags = {cache_store::source_tag(pair.target), cache_store::source_tag(pair.dictionary)},
    });
}

}  // namespace

Delta::Delta(const Sha256& target, const Sha256& dictionary)
    : best_(key_for(target, dictionary, "best")), fast_(key_for(target, dictionary, "fast")) {}

bool Delta::useless(const DeltaTerms& terms) const {
    const std::uint64_t size = size_.load(std::memory_order_relaxed);
    if (size == kUnknown) return false;
    return !terms.pays(is_best_ ? size : size / 100 * kBestPercent);
}

bool Delta::fails(const DeltaTerms& terms) const {
    const std::uint64_t size = size_.load(std::memory_order_relaxed);
    return size != kUnknown && !terms.pays(size);
}

Deltas::~Deltas() {
    life_->over = true;
    const std::lock_guard lock(life_->working);
}

void Deltas::set_limits(const config::Dictionaries& limits) {
    enabled_ = limits.enabled;
    largest_ = limits.largest;
    on_the_fly_ = limits.on_the_fly;
    at_once_ = limits.at_once;
}

// What is so much larger than a file is something else of a similar name. Of 722 files of a release 32 came with one: these were
// 51 of the 81 MB to be read for all, and the differences took 5 % more than br-11 does.
bool Deltas::may_gain(std::uint64_t target, std::uint64_t dictionary) {
    constexpr std::uint64_t kCheap = 256 << 10, kMostTimes = 16;
    return dictionary <= std::max(kCheap, kMostTimes * target);
}

DeltaPtr Deltas::of(const Sha256& target, const Sha256& dictionary) {
    auto delta = std::make_shared<Delta>(target, dictionary);
    const std::lock_guard lock(mutex_);
    // What is forgotten is found again on disk; to forget all at once is rare and cheap.
    if (known_.size() >= kMostKnown) known_.clear();
    return known_.try_emplace(delta->best_, std::move(delta)).first->second;
}

std::optional<Coded> Deltas::find(const Delta& delta, const Floor& floor) {
    if (auto best = store_.find(delta.best_, floor)) return Coded{std::move(best.object), false, best.stale};
    if (auto fast = store_.find(delta.fast_, floor)) return Coded{std::move(fast.object), true, fast.stale};
    return std::nullopt;
}

std::optional<Coded> Deltas::fetch_now(Delta& delta, const Floor& floor) {
    if (!store_.on_disk(delta.best_)) return std::nullopt;
    auto best = store_.fetch_now(delta.best_, floor);
    if (!best) return std::nullopt;
    delta.is_best_ = true;
    delta.size_ = best.object->body->size();
    return Coded{std::move(best.object), false, best.stale};
}

Deltas::Turn::~Turn() {
    if (!delta_) return;
    delta_->making_ = false;
    life_->turns -= weight_;
}

std::unique_ptr<Deltas::Turn> Deltas::turn(const DeltaPtr& delta, std::uint64_t size) {
    // What the disk has need not be made; nearly always, as it may have gone by then.
    const bool stored = store_.on_disk(delta->best_);
    if (size > on_the_fly_ && !stored) {
        counters_.limit_hit(http::LimitHit::DictionaryOnTheFly);
        return nullptr;
    }
    if (delta->making_.exchange(true)) return std::unique_ptr<Turn>(new Turn(life_, nullptr, 0));
    // Who asks for a page's thirty small files at once gets all of them so: what counts is how much there is to do.
    const std::uint64_t allowed = at_once_ * cores_ * std::max<std::uint64_t>(on_the_fly_, kLeastWeight);
    const std::uint64_t weight = stored ? kLeastWeight : std::max(size, kLeastWeight);
    const std::uint64_t others = life_->turns.fetch_add(weight);
    if (others == 0 || others + weight <= allowed) return std::unique_ptr<Turn>(new Turn(life_, delta, weight));
    life_->turns -= weight;
    delta->making_ = false;
    counters_.limit_hit(http::LimitHit::DictionaryAtOnce);
    return nullptr;
}

std::optional<Filled> Deltas::fetch_best(const DeltaPtr& delta, const AsOf& as_of) {
    const auto start = steady_clock::now();
    if (!store_.on_disk(delta->best_)) return std::nullopt;
    auto found = store_.fetch(delta->best_, as_of.floor);
    if (!found) return std::nullopt;
    delta->is_best_ = true;
    delta->size_ = found.object->body->size();
    return Filled{.object = std::move(found.object),
                  .verdict = found.stale ? http::Verdict::Stale : http::Verdict::DiskHit,
                  .fill_time = since(start)};
}

Filled Deltas::fill(const DeltaPair& pair, const DeltaPtr& delta, const AsOf& as_of, const DeltaTerms& terms) {
    if (auto stored = fetch_best(delta, as_of)) return *std::move(stored);
    const auto start = steady_clock::now();
    auto made = make_fast(pair);
    if (!made) {
        counters_.add(http::Counter::DeltasFailed);
        log_.debug("dictionary", "{}: {}", pair.path, made.error().detail);
        return {.object = std::unexpected(std::move(made).error()), .fill_time = since(start)};
    }
    const std::uint64_t size = (*made)->size();
    if (!delta->is_best_) delta->size_ = size;
    // The best one is not there: it was never made, or has been evicted. It is made, or made again.
    if (!delta->improving_) delta->improved_ = 0;
    if (!terms.pays(size)) {
        counters_.add(http::Counter::DeltasWithoutGain);
        return {.object = fail(ErrorKind::Unsupported, "saves too little", "no_gain"), .fill_time = since(start)};
    }
    counters_.add(http::Counter::DeltasMade);
    auto object = object_of(pair, *std::move(made), true, since(start), as_of);
    store_.put(delta->fast_, object, cache_store::Keep::MemoryOnly);
    return {.object = std::move(object), .verdict = http::Verdict::Miss, .fill_time = since(start)};
}

Result<BlobPtr> Deltas::make_fast(const DeltaPair& pair) {
    const auto room = rooms().borrow();
    const auto [dictionary, target] = TRY(read_both(pair, room->bytes));
    return make_blob(TRY(transforms::dcz_encode(target, {dictionary, pair.dictionary}, pair.fast_level)));
}

Result<BlobPtr> Deltas::make_best(const DeltaPair& pair) {
    std::string room;
    const auto [dictionary, target] = TRY(read_both(pair, room));
    std::optional<std::string> best;
    for (const int level : transforms::kDczBest) {
        std::string coded = TRY(transforms::dcz_encode(target, {dictionary, pair.dictionary}, level,
                                                       [this] { return !life_->over && queue_.go_on(); }));
        if (!best || coded.size() < best->size()) best = std::move(coded);
    }
    return make_blob(*std::move(best));
}

void Deltas::improve(const DeltaPair& pair, const DeltaPtr& delta, const AsOf& as_of, const DeltaTerms& terms) {
    if (delta->improved_.load(std::memory_order_relaxed) > std::max(as_of.floor.gone, as_of.floor.stale)) return;
    if (pair.size > largest_ || delta->useless(terms)) return;
    if (delta->improving_.exchange(true)) return queue_.raise(delta->best_, pair.size);
    const bool taken = queue_.add(delta->best_, pair.size, [this, life = life_, pair, delta, as_of, terms] {
        const std::lock_guard lock(life->working);
        if (!life->over) improve_now(pair, *delta, as_of, terms);
    });
    if (!taken) delta->improving_ = false;  // the next request asks again
}

void Deltas::improve_now(const DeltaPair& pair, Delta& delta, const AsOf& as_of, const DeltaTerms& terms) {
    auto found = store_.find(delta.best_, as_of.floor);
    if (!found && store_.on_disk(delta.best_)) found = store_.fetch(delta.best_, as_of.floor);
    if (found && !found.stale) {
        delta.is_best_ = true;
        delta.size_ = found.object->body->size();
    } else {
        keep_best(pair, delta, as_of, terms);
    }
    delta.improved_ = as_of.birth + 1;
    delta.improving_ = false;
}

void Deltas::keep_best(const DeltaPair& pair, Delta& delta, const AsOf& as_of, const DeltaTerms& terms) {
    const auto start = steady_clock::now();
    auto made = make_best(pair);
    if (!made) {
        if (made.error().kind == ErrorKind::Cancelled) return;
        counters_.add(http::Counter::DeltasFailed);
        log_.debug("dictionary", "{}: {}", pair.path, made.error().detail);
        return;
    }
    const std::uint64_t size = (*made)->size();
    delta.is_best_ = true;
    delta.size_ = size;
    if (!terms.pays(size)) return counters_.add(http::Counter::DeltasWithoutGain);
    counters_.add(http::Counter::DeltasMade);
    store_.put(delta.best_, object_of(pair, *std::move(made), false, since(start), as_of), cache_store::Keep::Anywhere);
    store_.erase(delta.fast_);
}

void Deltas::prepare(const std::shared_ptr<releases::History>& history, const std::vector<releases::Seen>& fresh) {
    if (!enabled_) return;
    const std::uint64_t now = store_.sequence();
    for (const releases::Seen& seen : fresh) {
        if (seen.size > largest_) continue;
        const auto before = history->before(seen.path, seen.content);
        if (before.empty() || !may_gain(seen.size, history->size_of(before.front()).value_or(0))) continue;
        // What the codings without dictionary will have is not known yet: a sixth is what br-11 takes.
        const DeltaTerms terms{.allowed = true, .smallest_plain = seen.size / 6, .estimated = true};
        improve({.path = seen.path,
                 .target = seen.content,
                 .size = seen.size,
                 .append_target = [history, content = seen.content](std::string& room) { return history->append(content, room); },
                 .history = history,
                 .dictionary = before.front()},
                of(seen.content, before.front()), {.floor = {}, .birth = now}, terms);
    }
}

}  // namespace selvage::representations
