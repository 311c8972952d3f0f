#include "server/representations/codings.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/representations/stored_file.h"
#include "server/representations/streamed_coding.h"

namespace selvage::representations {

namespace {

using cache_store::Floor;
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

bool is_improved(const catalogue::Source& source) {
    return source.size >= http::kSmallestPrecomputed && source.size <= kLargestCoded;
}

}  // namespace

// What is made of which file, since when and as of when.
struct Codings::Making {
    catalogue::Catalogue& catalogue;
    const catalogue::Source& source;
    std::size_t row;
    AsOf as_of;
    steady_clock::time_point start = steady_clock::now();

    Coding coding() const { return transforms::kCodings[row].coding; }
    std::string made_for() const { return fmt::format("{} in {}", source.path, transforms::kCodings[row].token); }
    Key128 key(Effort effort) const { return Codings::key(source, coding(), effort); }

    // `body` null: it is still being made.
    cache_store::ObjectPtr object(Effort effort, BlobPtr body) const {
        return std::make_shared<const cache_store::Object>(cache_store::Object{
            .meta = to_meta(Facts{.interim = effort == Effort::First, .made_for = made_for()}),
            .body = std::move(body),
            .cost_ms = static_cast<std::uint32_t>(since(start).count() / 1'000),
            .created = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()),
            .birth = as_of.birth,
            .tags = {cache_store::source_tag(source.content)},
        });
    }
    Result<BlobPtr> encode(Effort effort) const {
        const std::string content = TRY(catalogue.read(source));
        return make_blob(TRY(transforms::kCodings[row].encode(content, effort)));
    }
};

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

std::optional<Coded> Codings::find(const ContentCodings& codings, Coding coding, const Floor& floor) {
    const std::size_t row = row_index(coding);
    if (auto best = store_.find(codings.best_[row], floor)) return Coded{std::move(best.object), false, best.stale};
    if (auto fast = store_.find(codings.first_[row], floor)) return Coded{std::move(fast.object), true, fast.stale};
    return std::nullopt;
}

std::optional<Coded> Codings::fetch_now(ContentCodings& codings, Coding coding, const Floor& floor) {
    const std::size_t row = row_index(coding);
    if (!store_.on_disk(codings.best_[row])) return std::nullopt;
    auto best = store_.fetch_now(codings.best_[row], floor);
    if (!best) return std::nullopt;
    codings.sizes_[row].store(best.object->body->size(), std::memory_order_relaxed);
    return Coded{std::move(best.object), false, best.stale};
}

// A purge that the floor knows of has come before the request.
AsOf Codings::as_of(const Floor& floor) const { return {floor, std::max({store_.sequence(), floor.gone, floor.stale})}; }

Filled Codings::fill(catalogue::Catalogue& catalogue, const catalogue::Source& source, Coding coding, const AsOf& as_of,
                     const Wanted& wanted, std::move_only_function<void(Filled)> announce) {
    const Making making{catalogue, source, row_index(coding), as_of};
    if (auto stored = fetch_best(making)) return *std::move(stored);
    return made_first(making, encode_first(making, wanted, std::move(announce)));
}

std::optional<Filled> Codings::fetch_best(const Making& making) {
    const Key128 best = making.key(Effort::Background);
    if (!store_.on_disk(best)) return std::nullopt;
    Filled filled{.object = fail(ErrorKind::NotFound, "not stored"), .verdict = http::Verdict::DiskHit};
    std::uint64_t size = 0;
    if (auto body = store_.open(best, making.as_of.floor)) {
        size = body->size();
        if (making.as_of.floor.makes_stale(body->object().birth)) filled.verdict = http::Verdict::Stale;
        filled.object = std::make_shared<const cache_store::Object>(body->object());
        filled.file = std::make_shared<const StoredFile>(std::move(body));
    } else {
        auto found = store_.fetch(best, making.as_of.floor);
        if (!found) return std::nullopt;
        size = found.object->body->size();
        if (found.stale) filled.verdict = http::Verdict::Stale;
        filled.object = std::move(found.object);
    }
    known(making.source)->sizes_[making.row].store(size, std::memory_order_relaxed);
    filled.fill_time = since(making.start);
    return filled;
}

Result<BlobPtr> Codings::encode_first(const Making& making, const Wanted& wanted,
                                      std::move_only_function<void(Filled)> announce) {
    if (making.source.size < StreamedCoding::kLeast) return making.encode(Effort::First);
    StreamedCoding coding(making.source, making.coding(), wanted, [&](http::GrowingBodyPtr growing) {
        announce(
            {.object = making.object(Effort::First, nullptr), .fill_time = since(making.start), .growing = std::move(growing)});
    });
    return coding.run();
}

Filled Codings::made_first(const Making& making, Result<BlobPtr> coded) {
    if (!coded) return {.object = std::unexpected(std::move(coded).error()), .fill_time = since(making.start)};
    const ContentCodingsPtr content = known(making.source);
    if (!http::worth_keeping((*coded)->size(), making.source.size)) {
        counters_.add(http::Counter::CodingsWithoutGain);
        std::uint64_t nothing = kUnknown;  // the best coding may have been found to gain meanwhile: that stays
        content->sizes_[making.row].compare_exchange_strong(nothing, kNoGain, std::memory_order_relaxed);
        return {.object = fail(ErrorKind::Unsupported, "saves too little", "no_gain"), .fill_time = since(making.start)};
    }
    counters_.add(http::Counter::CodingsMade);
    auto object = making.object(Effort::First, *std::move(coded));
    store_.put(making.key(Effort::First), object, cache_store::Keep::MemoryOnly);
    // The best is not there any more, unless it is being made: the next request has it made again, if there is a place for it.
    if (content->kept_ && !content->improving_) content->improved_ = 0;
    return {std::move(object), http::Verdict::Miss, since(making.start)};
}

void Codings::improve(const ContentCodingsPtr& codings, const std::shared_ptr<catalogue::Catalogue>& catalogue,
                      const catalogue::SourcePtr& source, const Floor& floor) {
    // Nearly always under way or done: read first, as an exchange would take the cache line away from the other loops.
    if (codings->improved_.load(std::memory_order_relaxed) > std::max(floor.gone, floor.stale)) return;
    if (!is_improved(*source)) return;
    if (codings->improving_.exchange(true, std::memory_order_relaxed)) return;
    if (pool_.full(loop::WorkPool::Lane::Background)) {
        codings->improving_ = false;  // the next request asks again
        counters_.limit_hit(http::LimitHit::WorkQueue);
        return;
    }
    const AsOf now = as_of(floor);
    codings->improved_ = now.birth + 1;
    pool_.detach(loop::WorkPool::Lane::Background,
                 [this, catalogue, source, codings, now] { improve_all(*catalogue, *source, *codings, now); });
}

void Codings::improve_all(catalogue::Catalogue& catalogue, const catalogue::Source& source, ContentCodings& known,
                          const AsOf& as_of) {
    known.kept_ = true;
    for (std::size_t row = 0; row < transforms::kCodings.size(); ++row) improve_one({catalogue, source, row, as_of}, known);
    known.improving_ = false;
}

void Codings::improve_one(const Making& making, ContentCodings& known) {
    const Key128 best = making.key(Effort::Background);
    auto found = store_.find(best, making.as_of.floor);
    if (!found && store_.on_disk(best)) found = store_.fetch(best, making.as_of.floor);
    if (!found || found.stale) {
        auto made = making.encode(Effort::Background);
        if (!made) {
            log_.debug("coding", "{} of {}: {}", transforms::kCodings[making.row].token, making.source.path, made.error().detail);
            return;
        }
        if (!http::worth_keeping((*made)->size(), making.source.size)) {
            counters_.add(http::Counter::CodingsWithoutGain);
            known.sizes_[making.row].store(kNoGain, std::memory_order_relaxed);
            return;
        }
        counters_.add(http::Counter::CodingsMade);
        found.object = making.object(Effort::Background, *std::move(made));
        store_.put(best, found.object, cache_store::Keep::Anywhere);
        if (!store_.find(best, making.as_of.floor) && !store_.on_disk(best)) known.kept_ = false;
    }
    known.sizes_[making.row].store(found.object->body->size(), std::memory_order_relaxed);
}

}  // namespace selvage::representations
