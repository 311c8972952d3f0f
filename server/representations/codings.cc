#include "server/representations/codings.h"

#include <chrono>

namespace selvage::representations {

namespace {

using std::chrono::steady_clock;
using transforms::Coding;
using transforms::Effort;

std::size_t row_index(Coding coding) {
    std::size_t index = 0;
    while (transforms::kCodings[index].coding != coding) ++index;
    return index;
}

std::chrono::microseconds since(steady_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - start);
}

}  // namespace

Key128 Codings::key(const catalogue::Source& source, Coding coding, Effort effort) {
    return key_of({as_text(source.content), transforms::row_of(coding).token, effort == Effort::First ? "first" : "best",
                   transforms::kEncodingsEpoch});
}

ContentCodings::ContentCodings(const catalogue::Source& source) {
    for (std::size_t row = 0; row < transforms::kCodings.size(); ++row) {
        best_[row] = Codings::key(source, transforms::kCodings[row].coding, Effort::Background);
        first_[row] = Codings::key(source, transforms::kCodings[row].coding, Effort::First);
    }
}

ContentCodingsPtr Codings::known(const catalogue::Source& source) {
    const std::lock_guard lock(mutex_);
    // What is forgotten is found again on disk; to forget all at once is rare and cheap.
    if (known_.size() >= kMostKnown) known_.clear();
    auto& entry = known_[source.content];
    if (!entry) entry = std::make_shared<ContentCodings>(source);
    return entry;
}

ContentCodingsPtr Codings::of(const catalogue::Source& source) { return source.compressible ? known(source) : nullptr; }

std::optional<Coded> Codings::find(const ContentCodings& codings, Coding coding) {
    const std::size_t row = row_index(coding);
    if (auto best = store_.find(codings.best_[row])) return Coded{std::move(best), false};
    if (auto fast = store_.find(codings.first_[row])) return Coded{std::move(fast), true};
    return std::nullopt;
}

Filled Codings::fill(catalogue::Catalogue& catalogue, const catalogue::Source& source, Coding coding) {
    const auto start = steady_clock::now();
    const Key128 best = key(source, coding, Effort::Background);
    if (store_.on_disk(best)) {
        if (auto object = store_.fetch(best)) {
            known(source)->sizes_[row_index(coding)].store(object->body->size(), std::memory_order_relaxed);
            return {std::move(object), http::Verdict::DiskHit, since(start)};
        }
    }
    auto object = encode(catalogue, source, coding, Effort::First);
    if (object && !http::worth_keeping((*object)->body->size(), source.size)) {
        counters_.add(http::Counter::CodingsWithoutGain);
        std::uint64_t nothing = kUnknown;  // the best coding may have been found to gain meanwhile: that stays
        known(source)->sizes_[row_index(coding)].compare_exchange_strong(nothing, kNoGain, std::memory_order_relaxed);
        object = fail(ErrorKind::Unsupported, "saves too little", "no_gain");
    }
    if (object) {
        counters_.add(http::Counter::CodingsMade);
        store_.put(key(source, coding, Effort::First), *object);
    }
    return {std::move(object), http::Verdict::Miss, since(start)};
}

Result<cache_store::ObjectPtr> Codings::encode(catalogue::Catalogue& catalogue, const catalogue::Source& source, Coding coding,
                                               Effort effort) {
    const auto start = steady_clock::now();
    const std::string content = TRY(catalogue.read(source));
    std::string coded = TRY(transforms::row_of(coding).encode(content, effort));
    const auto cost = std::chrono::duration_cast<std::chrono::milliseconds>(since(start));
    return std::make_shared<const cache_store::Object>(cache_store::Object{
        .meta = to_meta(Facts{.interim = effort == Effort::First}),
        .body = make_blob(std::move(coded)),
        .cost_ms = static_cast<std::uint32_t>(cost.count()),
        .source = source.content,
        .created = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()),
    });
}

void Codings::improve(const ContentCodingsPtr& codings, const std::shared_ptr<catalogue::Catalogue>& catalogue,
                      const catalogue::SourcePtr& source) {
    // Nearly always under way or done: read first, as an exchange would take the cache line away from the other loops.
    if (codings->improving_.load(std::memory_order_relaxed)) return;
    if (source->size < http::kSmallestPrecomputed || source->size > kLargestCoded) return;
    if (codings->improving_.exchange(true, std::memory_order_relaxed)) return;
    if (pool_.full(loop::WorkPool::Lane::Background)) {
        codings->improving_ = false;  // the next request asks again
        counters_.limit_hit(http::LimitHit::WorkQueue);
        return;
    }
    pool_.detach(loop::WorkPool::Lane::Background, [this, catalogue, source, codings] {
        for (std::size_t row = 0; row < transforms::kCodings.size(); ++row) improve_one(*catalogue, *source, *codings, row);
    });
}

void Codings::improve_one(catalogue::Catalogue& catalogue, const catalogue::Source& source, ContentCodings& known,
                          std::size_t row) {
    const Coding coding = transforms::kCodings[row].coding;
    const Key128 best = key(source, coding, Effort::Background);
    auto object = store_.find(best);
    if (!object && store_.on_disk(best)) object = store_.fetch(best);
    if (!object) {
        auto made = encode(catalogue, source, coding, Effort::Background);
        if (!made) {
            log_.debug("coding", "{} of {}: {}", transforms::row_of(coding).token, source.path, made.error().detail);
            return;
        }
        object = std::move(*made);
        if (!http::worth_keeping(object->body->size(), source.size)) {
            counters_.add(http::Counter::CodingsWithoutGain);
            known.sizes_[row].store(kNoGain, std::memory_order_relaxed);
            return;
        }
        counters_.add(http::Counter::CodingsMade);
        store_.put(best, object);
        store_.store(best, *object);
    }
    known.sizes_[row].store(object->body->size(), std::memory_order_relaxed);
}

}  // namespace selvage::representations
