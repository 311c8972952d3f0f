#include "cache_store/purge/purge_table.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <tuple>
#include <utility>
#include <vector>

#include "cache_store/purge/journal_files.h"

namespace selvage::cache_store {
namespace {

// Numbers that an opening leaves out. As many purges may be in force without being durable; then they are refused.
constexpr std::uint64_t kGap = 4096;

// The table within what its journal may take: a third for the image of the tags, and room to grow to the half.
FloorBounds bounds_for(std::uint64_t most_bytes) {
    FloorBounds bounds{.tags = PurgeTable::kMostTags, .globs = PurgeTable::kMostGlobs};
    bounds.tags = std::clamp<std::uint64_t>(most_bytes / 3 / sizeof(TagFloors::Entry), 64, PurgeTable::kMostTags);
    bounds.glob_bytes = std::clamp<std::uint64_t>(most_bytes / 16, 1024, bounds.glob_bytes);
    return bounds;
}

}  // namespace

// Who changes anything has the turn, one at a time; he alone changes `floors` (with `look` held for writing), and reads it
// without.
struct PurgeTable::State {
    struct Waiting {
        Purge purge;
        std::uint64_t number = 0;
        bool done = false;
        std::optional<Error> error;
    };

    mutable std::shared_mutex look;  // over floors; held for moments
    Floors floors;

    std::mutex mutex;  // over the rest
    std::condition_variable turn_ends;
    bool turn_taken = false;
    std::vector<Waiting*> waiting;

    // Of who has the turn.
    FloorBounds bounds;
    std::unique_ptr<JournalFiles> journal;
    bool released = false;
    std::uint64_t most_bytes = 0;
    std::uint64_t undurable = 0;

    std::atomic<std::uint64_t> purges{0}, journal_bytes{0};

    void take_turn() {
        std::unique_lock lock(mutex);
        turn_ends.wait(lock, [this] { return !turn_taken; });
        turn_taken = true;
    }
    void end_turn() {
        {
            const std::lock_guard lock(mutex);
            turn_taken = false;
        }
        turn_ends.notify_all();
    }

    void replace(Floors with) {
        {
            const std::unique_lock lock(look);
            std::swap(floors, with);
        }  // the old ones are freed while others look
    }
    void apply(const Purge& purge, std::uint64_t number) {
        if (!floors.has_room(purge, bounds)) replace(floors.with_room(purge, bounds));
        const std::unique_lock lock(look);
        floors.raise(purge, number);
    }

    Result<void> begin_journal(std::uint64_t sequence) {
        auto begun = journal->begin(sequence, floors);
        journal_bytes = journal->bytes();
        if (begun) undurable = 0;  // the image has them
        return begun;
    }
    Result<void> write(const std::vector<Waiting*>& batch, std::uint64_t sequence);
    std::uint64_t settle(const std::vector<Waiting*>& batch, std::uint64_t sequence);
};

// Makes the batch durable, whose first number is the one after `sequence`.
Result<void> PurgeTable::State::write(const std::vector<Waiting*>& batch, std::uint64_t sequence) {
    const auto encode = [&] {
        std::string groups;
        for (const Waiting* one : batch) groups += encode_group(journal->number(), one->number, one->purge);
        return groups;
    };
    std::string groups = encode();
    if (!journal->takes_more() || undurable > 0 || journal->bytes() + groups.size() > most_bytes / 2) {
        TRY(begin_journal(sequence));
        groups = encode();  // under the new journal's number
    }
    if (journal->bytes() + groups.size() > most_bytes / 2) {  // a crowd of large ones, at once
        for (Waiting* one : batch) one->purge = {.effect = one->purge.effect, .everything = true, .tags = {}, .globs = {}};
        groups = encode();
    }
    TRY(journal->append(groups));
    journal_bytes = journal->bytes();
    return {};
}

// The batch's numbers, durability and force; the last number that is in force.
std::uint64_t PurgeTable::State::settle(const std::vector<Waiting*>& batch, std::uint64_t sequence) {
    if (released) {
        for (Waiting* one : batch)
            one->error = Error{.kind = ErrorKind::Overloaded, .detail = "the store was left to another process"};
        return sequence;
    }
    std::uint64_t number = sequence;
    for (Waiting* one : batch) {
        one->number = ++number;
        one->purge = bounded(one->purge, bounds);
    }
    if (const auto written = journal ? write(batch, sequence) : Result<void>{}; !written) {
        undurable += batch.size();
        const bool refused = undurable >= kGap;
        const std::string_view what = refused ? "not purged: " : "in force until a restart: ";
        for (Waiting* one : batch) {
            one->error =
                Error{.kind = ErrorKind::Internal, .code = "not_durable", .detail = std::string(what) + written.error().detail};
        }
        if (refused) {
            undurable -= batch.size();
            return sequence;
        }
    }
    for (const Waiting* one : batch) apply(one->purge, one->number);
    purges += batch.size();
    return number;
}

PurgeTable::PurgeTable() : state_(std::make_unique<State>()) { state_->bounds = bounds_for(kMostTags * 72ULL); }
PurgeTable::~PurgeTable() = default;

Result<void> PurgeTable::open(int folder, FileSystem& files, Log& log, std::uint64_t most_bytes) {
    return open(folder, files, log, most_bytes, Journal::Existing);
}

Result<void> PurgeTable::open_anew(int folder, FileSystem& files, Log& log, std::uint64_t most_bytes) {
    return open(folder, files, log, most_bytes, Journal::New);
}

Result<void> PurgeTable::open(int folder, FileSystem& files, Log& log, std::uint64_t most_bytes, Journal which) {
    State& state = *state_;
    state.take_turn();
    const auto open = [&]() -> Result<void> {
        const FloorBounds bounds = bounds_for(most_bytes);
        auto journal = std::make_unique<JournalFiles>(folder, files);
        JournalFiles::Past past;
        if (which == Journal::Existing) past = TRY(journal->read(bounds));
        if (past.damaged) log.warn("cache", "the purge journal was damaged: everything that was stored before is purged");
        const std::uint64_t now = sequence_.load();
        const std::uint64_t sequence = std::max(now, past.sequence) + (past.any || now > 0 ? kGap : 0);
        Floors floors = past.floors.merged(state.floors, bounds);
        TRY(journal->begin(sequence, floors));
        state.bounds = bounds;
        state.most_bytes = most_bytes;
        state.undurable = 0;
        state.released = false;
        state.journal_bytes = journal->bytes();
        state.journal = std::move(journal);
        state.replace(std::move(floors));
        sequence_.store(sequence, std::memory_order_release);
        return {};
    };
    auto result = open();
    state.end_turn();
    return result;
}

void PurgeTable::release() {
    state_->take_turn();
    state_->released = true;
    state_->journal.reset();
    state_->end_turn();
}

Floor PurgeTable::floor_of(std::span<const Tag> tags, std::string_view path) const {
    const std::shared_lock lock(state_->look);
    return state_->floors.of(tags, path);
}

Result<std::uint64_t> PurgeTable::purge(const Purge& purge) {
    State& state = *state_;
    State::Waiting mine{.purge = purge, .number = 0, .done = false, .error = {}};
    std::unique_lock lock(state.mutex);
    state.waiting.push_back(&mine);
    state.turn_ends.wait(lock, [&] { return mine.done || !state.turn_taken; });
    if (!mine.done) {
        state.turn_taken = true;
        const std::vector<State::Waiting*> batch = std::exchange(state.waiting, {});  // mine is among them
        lock.unlock();
        // In force first, then the number: whoever sees the number gets floors that know of it.
        sequence_.store(state.settle(batch, sequence_.load()), std::memory_order_release);
        lock.lock();
        for (State::Waiting* one : batch) one->done = true;
        state.turn_taken = false;
        state.turn_ends.notify_all();
    }
    if (mine.error) return std::unexpected(*std::move(mine.error));
    return mine.number;
}

void PurgeTable::compact(std::uint64_t oldest) {
    State& state = *state_;
    state.take_turn();
    // Never beyond the last purge: what is asked for now is born there.
    const std::uint64_t sequence = sequence_.load();
    const std::uint64_t below = std::min(oldest, sequence);
    if (!state.released && state.floors.anything_below(below)) state.replace(state.floors.without(below));
    if (state.journal) {
        const std::uint64_t live =
            state.floors.tags().size() * sizeof(TagFloors::Entry) + state.floors.glob_bytes() + kJournalHeader;
        const bool long_enough = state.journal->bytes() > 2 * live + (64U << 10);
        // Without success the old one is good, and the next time comes.
        if (long_enough || state.undurable > 0) std::ignore = state.begin_journal(sequence);
    }
    state.end_turn();
}

PurgeStats PurgeTable::stats() const {
    PurgeStats stats;
    stats.sequence = sequence();
    {
        const std::shared_lock lock(state_->look);
        stats.tags = state_->floors.tags().size();
        stats.globs = state_->floors.globs().size();
        stats.folded = state_->floors.folded();
    }
    stats.purges = state_->purges;
    stats.journal_bytes = state_->journal_bytes;
    return stats;
}

}  // namespace selvage::cache_store
