#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "cache_store/disk/breaker.h"
#include "cache_store/disk/index.h"
#include "cache_store/disk/log_pending.h"
#include "cache_store/disk/log_segments.h"
#include "cache_store/disk/segment.h"
#include "cache_store/store.h"

namespace selvage::cache_store {

// What is known of a key.
struct LookUp {
    ObjectPtr waiting;  // it has not been written yet; nothing else is set then
    std::optional<Place> place;
    std::optional<Place> lifetimes;      // a record of newer ones
    std::optional<Lifetimes> refreshed;  // newer still: not written yet
    explicit operator bool() const { return waiting || place; }
};

// What has been written of one waiting thing.
struct Written {
    Waiting item;
    Location location;
    struct Part {
        Key128 key;
        Location location;
    };
    std::vector<Part> parts;  // all of them, when it is in parts
};

// The places of a body's parts, in order. Their segments stay while they are pinned.
struct Parts {
    std::vector<Location> locations;
    struct Pin {
        std::uint32_t segment;
        Life life;
    };
    std::vector<Pin> pins;
};

// How a read of the disk ended.
enum class ReadEnd : std::uint8_t { Hit, WouldBlock, Corrupt, Foreign, Failed };

// What the log holds, and what waits to be in it: the index, the segments, what is pending, the counters. All under one mutex,
// which is held for microseconds and never while a system call is made.
class LogContents {
public:
    static constexpr std::uint64_t kMostWaiting = 8ULL << 20;  // bytes
    static constexpr std::uint64_t kBatch = 1ULL << 20;        // what is worth a write of its own

    // ---- for who reads
    LookUp look_up(const Key128& key);  // counts a miss, or a hit of what waits
    LookUp peek(const Key128& key) const;
    bool may_have(const Key128& key) const;
    // Of a record under `slot`: a hit is counted for it, what is not sound is erased from the index, if that is still what was
    // read.
    void ended(const Key128& slot, const Place& place, ReadEnd end);
    void too_far() { count(&DiskStats::would_block); }
    // Nothing: one is missing.
    std::optional<Parts> pin_parts(const Key128& key, std::uint64_t body_checksum, std::uint32_t parts);
    void unpin(const Parts& parts);
    std::optional<Place> place(const Location& location, const Life& life) const;  // if that life goes on

    // ---- for who puts. Each says whether work waits now that did not.
    struct Told {
        NotStored reason = NotStored::None;
        bool known = false;  // refresh(): it is there
        bool wake = false;
    };
    Told enqueue(const Key128& key, ObjectPtr object, SteadyTime now);
    Told refresh(const Key128& key, const Lifetimes& lifetimes, SteadyTime now);
    Told erase(const Key128& key, SteadyTime now);
    bool work_waits(SteadyTime now) const;
    void work_begins();

    // ---- for who writes: one at a time
    std::vector<Waiting> take(std::uint64_t bytes);
    bool due(SteadyTime now) const;  // is what waits worth a write?
    void written(std::span<const Written> records);
    void dropped(std::span<const Waiting> items, std::uint64_t DiskStats::* why);
    bool write_allowed(SteadyTime now) const;
    bool write_failed(SteadyTime now);  // true: this rests the disk
    bool write_succeeded();             // true: this ends a rest
    void note(std::uint64_t DiskStats::* what, std::uint64_t value);
    void count(std::uint64_t DiskStats::* what, std::uint64_t by = 1);

    // A victim's entries, in any portions: those that may be carried forward, by what they are worth, are returned; of the others
    // and of these the index is told by leave().
    struct Candidate {
        TocEntry entry;
        double worth = 0;  // hits · cost / size
        std::uint8_t hits = 0;
    };
    std::vector<Candidate> candidates(std::span<const TocEntry> entries, std::uint32_t segment) const;
    // Nothing: it has been erased since, or put anew.
    std::optional<Waiting> carry(const Candidate& candidate, std::uint32_t segment, ObjectPtr object);
    // They are gone with their segment. Those that an older segment might bring back after a restart are returned.
    std::vector<Key128> leave(std::span<const TocEntry> entries, std::uint32_t segment);

    // ---- on opening: entries of one segment, the last first, segments newest first
    enum class Restored : std::uint8_t { Done, JournalLost };
    Restored restore(std::span<const TocEntry> last_first, std::uint32_t segment, std::uint64_t purge_sequence);
    void restored_all();

    // ---- the whole
    void configure(const Geometry& geometry, std::uint64_t limit);
    void forget_segments();
    void begin_indexing(std::size_t slots);  // an empty index
    void set_closed(bool released, bool closed);
    bool closed() const;
    bool indexed() const;
    bool filled() const { return filled_.load(std::memory_order_relaxed); }  // every segment has been used
    template <typename F>
    auto with_segments(F&& use) {
        const std::lock_guard lock(mutex_);
        const Recount recount(*this);
        return use(segments_);
    }
    template <typename F>
    auto with_segments(F&& use) const {
        const std::lock_guard lock(mutex_);
        return use(segments_);
    }
    std::uint64_t oldest_birth() const;  // Store::sequence() at the least; 0: not known yet
    void add_to(DiskStats& stats, SteadyTime now) const;
    std::size_t slots() const;

private:
    struct Recount {  // after a change of the segments, or of how many there may be
        explicit Recount(LogContents& of) : contents(of) {}
        ~Recount() { contents.filled_ = contents.segments_.files() >= contents.geometry_.segments; }
        LogContents& contents;
    };

    std::optional<Place> place_of(const Key128& slot) const;
    LookUp known(const Key128& key) const;
    NotStored refusal(const Object& object, SteadyTime now);
    Told tell(SteadyTime now, bool known);
    bool waits(SteadyTime now) const;
    bool insert(const Key128& slot, const Location& location);
    void forget(const Key128& slot);
    void settle(const Written& record);
    void settle_object(const Written& record);
    void restore(const TocEntry& entry, std::uint32_t segment);

    mutable std::mutex mutex_;
    Index index_{0};
    Segments segments_;
    Pending pending_;
    Breaker writes_;
    DiskStats counts_;
    Geometry geometry_;
    std::unordered_set<Key128> gone_;  // while the index is rebuilt: what older segments must not bring back
    SteadyTime waiting_since_{};
    std::atomic<bool> filled_{false};  // asked at each put: counting 2,048 segments was most of its time
    bool told_ = false;
    bool indexed_ = false;
    bool released_ = false, closed_ = false;
};

}  // namespace selvage::cache_store
