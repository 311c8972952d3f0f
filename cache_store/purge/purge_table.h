#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "cache_store/file_system.h"
#include "cache_store/purge/purge.h"

namespace selvage::cache_store {

struct PurgeStats {
    std::uint64_t sequence = 0;  // of the newest purge
    std::uint64_t tags = 0;      // in the table
    std::uint64_t globs = 0;     // in the ban list
    std::uint64_t purges = 0;    // since this process began
    std::uint64_t folded = 0;    // entries given up for a floor under everything, to keep the table within its bound
    std::uint64_t journal_bytes = 0;
};

// What has been purged, and when: key64 → the sequence of the newest hard and soft purge; a short list of globs; and one floor
// under everything. Thread-safe. Look-ups take a shared lock for nanoseconds and never wait for the disk.
//
// Bounded: past kMostTags or kMostGlobs the oldest entries are folded into the floor under everything, which purges more than was
// asked for, never less.
//
// Durable by a journal when it has a folder (grammar in purge_journal.h): a purge is appended and fdatasync'ed before it is in
// force and before purge() returns.
class PurgeTable {
public:
    static constexpr std::size_t kMostTags = 1U << 20;  // 24 B each
    static constexpr std::size_t kMostGlobs = 100;

    // In memory alone: for a store without a disk.
    PurgeTable();
    ~PurgeTable();

    // What the journal may take on the disk at any moment, when nothing else is said: within disk/superblock.h's kReservedBytes.
    static constexpr std::uint64_t kJournalBytes = 3ULL << 20;

    // Reads the journal in `folder` (a descriptor, borrowed; outlives the table) or begins one. All that was acknowledged is in
    // force when it returns, and so is what was purged here before. What a crash tore off its end was never acknowledged and is
    // dropped; damage in its middle purges everything. Blocks. `most_bytes` bounds its files and so the table: a tag takes 24 of
    // a third of it; kMostTags need 72 MiB.
    // The sequence leaves a gap with each opening, so that numbers of purges that could not be made durable are not given again.
    // Errors: Internal when there is a journal of which nothing can be read, or none can be begun. The table is as before. The
    // caller must then begin cold, as it cannot know what was purged: open_anew().
    Result<void> open(int folder, FileSystem& files, Log& log, std::uint64_t most_bytes = kJournalBytes);
    // The same in place of whatever journal is there: for a store that has begun cold.
    Result<void> open_anew(int folder, FileSystem& files, Log& log, std::uint64_t most_bytes = kJournalBytes);

    // Leaves the journal to another process: purge() is refused from now on (Overloaded, and nothing is purged) until the next
    // open(). Blocks until what is being purged is durable.
    void release();

    // The number of the last purge that is in force: the birth of what is asked for now. One load. A floor that was asked for
    // after it knows at least the purges up to it.
    std::uint64_t sequence() const { return sequence_.load(std::memory_order_acquire); }

    // What concerns who has these tags and, for globs, this "SITE/path" (may be empty: no globs).
    Floor floor_of(std::span<const Tag> tags, std::string_view path) const;

    // Blocks: journal, fdatasync, then in force. The purge's number. Purges that come while one is made durable share the next
    // fdatasync.
    // Errors: Internal when it cannot be made durable. It is in force then all the same, until a restart, and the error says so
    // (code "not_durable"); it becomes durable with the next purge that does. Overloaded after release().
    Result<std::uint64_t> purge(const Purge& purge);

    // Everything older than what lives is of no use any more: `oldest` is the least birth of anything that is stored.
    // Blocks: rewrites the journal when that makes it much shorter. Called now and then.
    void compact(std::uint64_t oldest);

    PurgeStats stats() const;

private:
    struct State;
    enum class Journal : std::uint8_t { Existing, New };
    Result<void> open(int folder, FileSystem& files, Log& log, std::uint64_t most_bytes, Journal which);

    std::atomic<std::uint64_t> sequence_{0};
    std::unique_ptr<State> state_;
};

}  // namespace selvage::cache_store
