#include "server/representations/codings.h"

#include <algorithm>
#include <utility>

#include "server/representations/coding_in_making.h"
#include "server/representations/stored_file.h"
#include "server/representations/streamed_coding.h"

namespace selvage::representations {

namespace {

using cache_store::Floor;
using transforms::Coding;
using transforms::Effort;

}  // namespace

Key128 Codings::key(const catalogue::Source& source, Coding coding, Effort effort) {
    const auto name = [effort] {
        switch (effort) {
            case Effort::First:
                return "first";
            case Effort::Background:
                return "better";
            case Effort::Best:
                return "best";
        }
        return "";
    };
    return key_of({as_text(source.content), transforms::row_of(coding).token, name(), transforms::kEncodingsEpoch});
}

ContentCodings::ContentCodings(const catalogue::Source& source) : large_(source.size > kLargeContent) {
    for (std::size_t row = 0; row < kRows; ++row) {
        const Coding coding = transforms::kCodings[row].coding;
        best_[row] = Codings::key(source, coding, Effort::Best);
        better_[row] = Codings::key(source, coding, Effort::Background);
        first_[row] = Codings::key(source, coding, Effort::First);
    }
}

// What a coding makes of a text as a rule: static-delivery §4. Stands for its size until it is read, so that the smallest of
// those on the disk is chosen after a restart.
std::uint64_t Codings::presumed_size(const catalogue::Source& source, Coding coding) {
    switch (coding) {
        case Coding::Brotli:
            return source.size * 165 / 1000;
        case Coding::Zstd:
            return source.size * 177 / 1000;
        case Coding::Gzip:
            return source.size * 219 / 1000;
        case Coding::Identity:
            break;
    }
    return source.size;
}

ContentCodingsPtr Codings::known(const catalogue::Source& source) {
    const std::lock_guard lock(mutex_);
    // What is forgotten is found again on disk; to forget all at once is rare and cheap.
    if (known_.size() >= kMostKnown) known_.clear();
    auto& entry = known_[source.content];
    if (entry) return entry;
    entry = std::make_shared<ContentCodings>(source);
    for (std::size_t row = 0; row < transforms::kCodings.size(); ++row) {
        if (store_.on_disk(entry->best_[row])) entry->presumed_[row] = presumed_size(source, transforms::kCodings[row].coding);
    }
    return entry;
}

ContentCodingsPtr Codings::of(const catalogue::Source& source) { return source.compressible ? known(source) : nullptr; }

std::optional<Coded> Codings::find(const ContentCodings& codings, Coding coding, const Floor& floor) {
    const std::size_t row = row_index(coding);
    if (auto best = store_.find(codings.best_[row], floor)) return Coded{std::move(best.object), false, best.stale};
    if (codings.large_) {
        auto better = store_.find(codings.better_[row], floor);
        if (better) return Coded{std::move(better.object), true, better.stale, Stage::Better};
    }
    if (auto fast = store_.find(codings.first_[row], floor)) return Coded{std::move(fast.object), true, fast.stale, Stage::Fast};
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
    const Key128 best = making.key(Effort::Best);
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
    filled.fill_time = making.elapsed();
    return filled;
}

Result<BlobPtr> Codings::encode_first(const Making& making, const Wanted& wanted,
                                      std::move_only_function<void(Filled)> announce) {
    if (making.source.size < StreamedCoding::kLeast) return making.encode_at_once();
    StreamedCoding coding(making.source, making.coding(), wanted, [&](http::GrowingBodyPtr growing) {
        announce({.object = making.object(Effort::First, nullptr), .fill_time = making.elapsed(), .growing = std::move(growing)});
    });
    return coding.run();
}

Filled Codings::made_first(const Making& making, Result<BlobPtr> coded) {
    if (!coded) return {.object = std::unexpected(std::move(coded).error()), .fill_time = making.elapsed()};
    const ContentCodingsPtr content = known(making.source);
    if (!http::worth_keeping((*coded)->size(), making.source.size)) {
        counters_.add(http::Counter::CodingsWithoutGain);
        std::uint64_t nothing = kUnknown;  // the best coding may have been found to gain meanwhile: that stays
        content->sizes_[making.row].compare_exchange_strong(nothing, kNoGain, std::memory_order_relaxed);
        return {.object = fail(ErrorKind::Unsupported, "saves too little", "no_gain"), .fill_time = making.elapsed()};
    }
    counters_.add(http::Counter::CodingsMade);
    auto object = making.object(Effort::First, *std::move(coded));
    store_.put(making.key(Effort::First), object, cache_store::Keep::MemoryOnly);
    // The best is not there any more, unless it is being made: the next request has it made again, if there is a place for it.
    const bool wanted = (content->left_to_gzip_ & 1U << making.row) == 0;
    if (wanted && content->kept_ && content->missing_ == 0) content->improved_ = 0;
    return {std::move(object), http::Verdict::Miss, making.elapsed()};
}

}  // namespace selvage::representations
