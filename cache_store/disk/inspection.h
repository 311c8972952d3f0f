#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "cache_store/disk/record.h"
#include "cache_store/disk/segment.h"
#include "cache_store/disk/superblock.h"
#include "cache_store/purge/floors.h"

// A store's folder, read from outside: of a stopped server, or beside a running one. Takes no lock and changes nothing.
//
// What a running server writes meanwhile can look unsound for a moment: what is not as it should be is read again, and called in
// use, not wrong, when it has changed or belongs to the end of a log that is being written.
namespace selvage::cache_store {

enum class Depth : std::uint8_t {
    Contents,   // tables of contents are believed; a segment without one is read whole
    EveryByte,  // every checksum
};

// What is not as the grammar says, or cannot be read.
struct Finding {
    enum class Kind : std::uint8_t {
        Wrong,
        InUse,       // and cannot be judged
        Incomplete,  // an object that misses parts: they left with an older segment; a miss, nothing else
    } kind = Kind::Wrong;
    std::string file;  // its name within the log's folder
    std::uint64_t offset = 0;
    std::string what;
    friend bool operator==(const Finding&, const Finding&) = default;
};

struct InspectedSegment {
    enum class State : std::uint8_t {
        Empty,  // preallocated
        Open,   // without a table of contents: the newest, or one that was given up
        Sealed,
        Foreign,  // of another store; room to be used
        Bad,      // without a header that could be believed
    } state = State::Empty;
    std::uint32_t number = 0;
    std::uint64_t generation = 0, last_generation = 0;
    std::uint32_t opened_at = 0;  // seconds since 1970
    std::uint64_t purge_sequence = 0;
    std::uint64_t file_bytes = 0;
    std::uint64_t end = 0;          // of the records
    std::vector<TocEntry> entries;  // sound, as far as was looked
};

struct Inspection {
    std::string log;                         // the folder of the log
    bool running = false;                    // a process has the lock, as far as this one can see
    std::optional<Superblock> superblock;    // none that is sound: all segments are looked at
    std::vector<InspectedSegment> segments;  // by generation, the oldest first
    std::vector<Finding> findings;
    std::uint64_t bytes = 0;  // of all files, in whole blocks
    std::uint64_t journal_bytes = 0;
    std::uint64_t purge_sequence = 0;
    Floors floors;  // what has been purged
};
// `folder`: the cache folder. Blocks, for as long as it takes to read all of it.
// Errors: NotFound when there is no store; Forbidden when it may not be read; Unsupported when it is of a later version.
Result<Inspection> inspect(const std::string& folder, Depth depth);

// Which of the records count: of two of a key the later one; none that a tombstone followed.
class CurrentRecords {
public:
    struct Place {
        const InspectedSegment* segment;
        TocEntry entry;
    };
    explicit CurrentRecords(const Inspection& inspection);  // outlives this

    const Place* object(const Key128& key) const;  // nullptr: none
    const Place* part(const Key128& part_key) const;
    const Place* lifetimes(const Key128& key) const;  // newer ones than the object's
    const std::unordered_map<Key128, Place>& objects() const { return objects_; }
    std::uint64_t all_bytes() const { return all_bytes_; }  // of all records

private:
    std::unordered_map<Key128, Place> objects_, parts_, lifetimes_;
    std::uint64_t all_bytes_ = 0;
};

struct InspectedObject {
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;
    RecordHeader header;  // with its newest lifetimes
    std::string meta;     // the caller's text
    std::vector<Tag> tags;
    std::uint32_t parts_missing = 0;
    std::uint64_t stored_bytes = 0;  // of its records: itself, its parts, its lifetimes
};
// Reads the head of one that counts. Nothing: there is none, or it cannot be read any more.
std::optional<InspectedObject> read_object(const Inspection& inspection, const CurrentRecords& current, const Key128& key);

// Reads the head of every object that counts, in no order. What cannot be read any more, or is another record by now, is passed
// over: its segment was used again, or inspect() has found it. Returns how many these were.
std::size_t for_each_object(const Inspection& inspection, const CurrentRecords& current,
                            const std::function<void(const InspectedObject&)>& visit);

std::string_view name_of(InspectedSegment::State state);
std::string_view name_of(Finding::Kind kind);

}  // namespace selvage::cache_store
