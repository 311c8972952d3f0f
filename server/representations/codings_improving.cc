// The best codings: which is made next, and whether it is kept.

#include <algorithm>
#include <bit>
#include <utility>

#include "server/representations/best_coding.h"
#include "server/representations/coding_in_making.h"
#include "server/representations/codings.h"

namespace selvage::representations {

namespace {

using cache_store::Floor;
using transforms::Coding;
using transforms::Effort;

constexpr std::size_t kRows = transforms::kCodings.size();

// gzip-9 takes a second for 15 MB.
bool has_better(std::size_t row) { return transforms::kCodings[row].coding != Coding::Gzip; }

bool stored(std::uint64_t size) { return size != kUnknown && size != kNoGain; }

bool has_sidecar(const catalogue::Source& source, Coding coding) {
    return std::ranges::any_of(source.sidecars,
                               [coding](const auto& sidecar) { return sidecar.coding == coding && sidecar.verified; });
}

// The row that will serve such a request with the fewest bytes, as a rule. Nothing: it takes no coding.
std::optional<std::size_t> best_row_for(const http::AcceptedCodings& accepted) {
    std::optional<Coding> best;
    for (const Coding coding : {Coding::Brotli, Coding::Zstd, Coding::Gzip}) {
        if (accepted.accepts(coding) && (!best || accepted.weight(coding) > accepted.weight(*best))) best = coding;
    }
    return best ? std::optional(row_index(*best)) : std::nullopt;
}

}  // namespace

// Of ContentCodings::missing_: the bit of a row's best, and above all of these that of its Better stage.
struct Codings::Step {
    std::size_t row = 0;
    Stage stage = Stage::Best;
    std::uint64_t worth = 0;

    std::uint8_t bit() const { return static_cast<std::uint8_t>(1U << (stage == Stage::Better ? kRows + row : row)); }

    // What is to be made first. A large content's best saves a tenth of its Better stage and takes sixteen times as long.
    static Step next_of(const ContentCodings& known, std::uint64_t size) {
        const std::uint8_t missing = known.missing_.load(std::memory_order_relaxed);
        std::optional<Step> next;
        for (const Stage stage : {Stage::Better, Stage::Best}) {
            for (const Coding coding : {Coding::Brotli, Coding::Zstd, Coding::Gzip}) {
                Step step{.row = row_index(coding), .stage = stage};
                if ((missing & step.bit()) == 0) continue;
                step.worth = known.asked_[step.row].load(std::memory_order_relaxed) * size;
                if (known.large_ && stage == Stage::Best && has_better(step.row)) step.worth /= 16;
                if (!next || step.worth > next->worth) next = step;
            }
        }
        return next.value_or(Step{});
    }
};

struct Codings::Improvement {
    std::shared_ptr<catalogue::Catalogue> catalogue;
    catalogue::SourcePtr source;
    ContentCodingsPtr codings;
    AsOf as_of;
};

Codings::~Codings() {
    life_->over = true;
    const std::lock_guard lock(life_->working);
}

bool Codings::go_on() { return !life_->over && queue_.go_on(); }

bool Codings::improves(const catalogue::Source& source) {
    return source.compressible && source.size >= http::kSmallestPrecomputed && source.size <= kLargestCoded;
}

void Codings::improve(const ContentCodingsPtr& codings, const std::shared_ptr<catalogue::Catalogue>& catalogue,
                      const catalogue::SourcePtr& source, const Floor& floor, const http::AcceptedCodings* accepted) {
    // Nearly always done: only read, as a write would take the cache line away from the other loops.
    if (codings->improved_.load(std::memory_order_relaxed) > std::max(floor.gone, floor.stale)) {
        if (codings->missing_.load(std::memory_order_relaxed) != 0) raise(*codings, *source, accepted);
        return;
    }
    if (!improves(*source)) return;
    std::uint8_t missing = 0;
    for (std::size_t row = 0; row < kRows; ++row) {
        if (has_sidecar(*source, transforms::kCodings[row].coding)) continue;
        missing = static_cast<std::uint8_t>(missing | Step{.row = row}.bit());
        if (codings->large_ && has_better(row))
            missing = static_cast<std::uint8_t>(missing | Step{.row = row, .stage = Stage::Better}.bit());
    }
    std::uint8_t none = 0;
    if (!codings->missing_.compare_exchange_strong(none, missing, std::memory_order_relaxed)) return;
    codings->kept_ = true;
    const AsOf now = as_of(floor);
    codings->improved_ = now.birth + 1;
    raise(*codings, *source, accepted);
    if (missing != 0) enqueue(std::make_shared<const Improvement>(Improvement{catalogue, source, codings, now}));
}

// The queue is told when the number of requests has doubled: it has a lock.
void Codings::raise(ContentCodings& codings, const catalogue::Source& source, const http::AcceptedCodings* accepted) {
    const auto row = accepted ? best_row_for(*accepted) : std::nullopt;
    if (!row) return;
    const std::uint32_t asked = codings.asked_[*row].fetch_add(1, std::memory_order_relaxed) + 1;
    if (asked > 1 && std::has_single_bit(asked)) queue_.raise(codings.best_[0], asked / 2 * source.size);
}

bool Codings::enqueue(const std::shared_ptr<const Improvement>& improvement) {
    ContentCodings& known = *improvement->codings;
    const std::uint64_t worth = Step::next_of(known, improvement->source->size).worth;
    auto work = [this, life = life_, improvement] {
        const std::lock_guard lock(life->working);
        if (!life->over) take_step(improvement);
    };
    if (queue_.add(known.best_[0], worth, std::move(work))) return true;
    known.improved_ = 0;  // the next request asks again
    known.missing_ = 0;
    return false;
}

void Codings::take_step(const std::shared_ptr<const Improvement>& improvement) {
    const catalogue::Source& source = *improvement->source;
    ContentCodings& known = *improvement->codings;
    const Step step = Step::next_of(known, source.size);
    const Making making{*improvement->catalogue, source, step.row, improvement->as_of};
    if (step.stage == Stage::Better) {
        make_better(making, known);
    } else {
        const Improved improved = make_best(making, known, [this] { return go_on(); });
        if (improved.how == Improved::How::Failed)
            log_.debug("coding", "{} of {}: {}", transforms::kCodings[step.row].token, source.path, improved.reason);
    }
    const auto left = static_cast<std::uint8_t>(known.missing_.load(std::memory_order_relaxed) & ~step.bit());
    if (left != 0) {
        known.missing_.store(left, std::memory_order_relaxed);
        enqueue(improvement);  // behind what is worth more by now
        return;
    }
    for (auto& asked : known.asked_) asked.store(0, std::memory_order_relaxed);
    known.missing_.store(0, std::memory_order_relaxed);
}

// Of a large content, before its best. Nothing to be done when the best is there.
void Codings::make_better(const Making& making, ContentCodings& known) {
    const Key128 best = making.key(Effort::Best);
    if (store_.on_disk(best) || store_.find(best, making.as_of.floor)) return;
    const auto content = making.catalogue.read(making.source);
    if (!content) return;
    auto made = best_coding(*content, making.coding(), Effort::Background, [this] { return go_on(); });
    if (!made || !http::worth_keeping((*made)->size(), making.source.size)) return;
    counters_.add(http::Counter::CodingsMade);
    known.sizes_[making.row].store((*made)->size(), std::memory_order_relaxed);
    store_.put(making.key(Effort::Background), making.object(Effort::Background, *std::move(made)),
               cache_store::Keep::MemoryOnly);
}

Codings::Improved Codings::make_best(const Making& making, ContentCodings& known, const GoOn& go_on) {
    using How = Improved::How;
    const Key128 best = making.key(Effort::Best);
    auto& size = known.sizes_[making.row];
    auto found = store_.find(best, making.as_of.floor);
    if (!found && store_.on_disk(best)) found = store_.fetch(best, making.as_of.floor);
    if (found && !found.stale) {
        size.store(found.object->body->size(), std::memory_order_relaxed);
        return {.how = How::There, .object = std::move(found.object)};
    }
    const auto content = making.catalogue.read(making.source);
    if (!content) return {.reason = content.error().detail};
    auto made = best_coding(*content, making.coding(), Effort::Best, go_on);
    if (!made) return {.reason = made.error().detail};
    if (!http::worth_keeping((*made)->size(), making.source.size)) {
        counters_.add(http::Counter::CodingsWithoutGain);
        size.store(kNoGain, std::memory_order_relaxed);
        return {.how = How::NoGain};
    }
    if (!saves_beside_gzip(making, known, (*made)->size())) {
        leave_to_gzip(making, known);
        return {.how = How::NoGain};
    }
    counters_.add(http::Counter::CodingsMade);
    Improved improved{.how = How::Made, .object = making.object(Effort::Best, *std::move(made))};
    improved.not_stored = store_.put(best, improved.object, cache_store::Keep::Anywhere);
    if (!store_.find(best, making.as_of.floor) && !store_.on_disk(best)) known.kept_ = false;
    if (known.large_) store_.erase(making.key(Effort::Background));
    size.store(improved.object->body->size(), std::memory_order_relaxed);
    if (making.coding() == Coding::Gzip) leave_others_to_gzip(making, known);
    return improved;
}

// static-delivery §3: at most 95 % of the next larger that is acceptable, and 64 bytes less. Whoever takes br or zstd takes gzip,
// as a rule, which it gets instead; who does not has it made fast, if it is large enough for that. Between br and zstd there is
// no such order: many take but one.
bool Codings::saves_beside_gzip(const Making& making, const ContentCodings& known, std::uint64_t size) {
    const std::uint64_t gzip = known.sizes_[row_index(Coding::Gzip)].load(std::memory_order_relaxed);
    const bool asked = making.coding() != Coding::Gzip && stored(gzip) && making.source.size >= http::kSmallestOnTheFly;
    return !asked || http::worth_keeping(size, gzip);
}

void Codings::leave_to_gzip(const Making& making, ContentCodings& known) {
    known.left_to_gzip_.fetch_or(static_cast<std::uint8_t>(1U << making.row), std::memory_order_relaxed);
    known.sizes_[making.row].store(kUnknown, std::memory_order_relaxed);
    counters_.add(http::Counter::CodingsWithoutGain);
}

// What was made before it is looked at again.
void Codings::leave_others_to_gzip(const Making& gzip, ContentCodings& known) {
    for (std::size_t row = 0; row < kRows; ++row) {
        const Making other{gzip.catalogue, gzip.source, row, gzip.as_of};
        const std::uint64_t size = known.sizes_[row].load(std::memory_order_relaxed);
        if (!stored(size) || saves_beside_gzip(other, known, size)) continue;
        leave_to_gzip(other, known);
        store_.erase(other.key(Effort::Best));
    }
}

Codings::AllImproved Codings::improve_now(catalogue::Catalogue& catalogue, const catalogue::Source& source, const GoOn& go_on) {
    AllImproved all;
    const ContentCodingsPtr content = known(source);
    const AsOf now = as_of({});
    for (const Coding coding : {Coding::Gzip, Coding::Zstd, Coding::Brotli}) {  // gzip first: the others are compared with it
        const std::size_t row = row_index(coding);
        if (has_sidecar(source, coding)) {
            all[row].how = Improved::How::Sidecar;
        } else {
            all[row] = make_best({catalogue, source, row, now}, *content, go_on);
        }
    }
    return all;
}

}  // namespace selvage::representations
