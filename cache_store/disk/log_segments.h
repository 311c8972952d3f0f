#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cache_store/disk/index.h"
#include "cache_store/disk/log_folder.h"
#include "cache_store/disk/superblock.h"

namespace selvage::cache_store {

// The generations of what a segment holds now, both included. None of a life is ever used again.
struct Life {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    bool is_same(const Life& other) const { return first == other.first; }
};

struct Segment {
    enum class State : std::uint8_t {
        Absent,  // no file
        Found,   // on opening; not in the index yet
        Sealed,  // complete, with a table of contents or not
        Open,    // written to
        Dead,    // its file takes room, but cannot be written nor removed
    };
    State state = State::Absent;
    LogFilePtr file;
    Life life;
    std::uint32_t pins = 0;                  // bodies that are being read from it
    std::uint32_t failed_reads = 0;          // in a row
    std::uint32_t failed_opens = 0;          // attempts to use it again, in a row
    bool offline = false;                    // reads of it fail
    std::uint64_t least_birth = UINT64_MAX;  // of its objects, at most: erasing one does not raise it
    bool given_up = false;  // a write to it failed: what it has is read, and no more is written until it is used again
};

// Where a record is and what its bytes must show.
struct Place {
    Location location;
    LogFilePtr file;
    Life life;
};

// All segments by number. Not thread-safe: its owner's mutex guards it.
class Segments {
public:
    static constexpr std::uint32_t kTolerated = 3;  // failed reads in a row

    Segments() : all_(kMostSegments) {}

    const Segment& operator[](std::uint32_t number) const { return all_[number]; }
    Segment& operator[](std::uint32_t number) { return all_[number]; }

    bool readable(std::uint32_t number) const;
    // Nothing: what is there now cannot be read.
    std::optional<Place> place(const Location& location) const;
    bool holds(std::uint32_t number, const Life& life) const { return all_[number].file && all_[number].life.is_same(life); }

    std::optional<std::uint32_t> unused() const;
    // Of the least generation; not the open one. Those whose bodies are being read are passed over unless `pinned_too`.
    std::optional<std::uint32_t> oldest(bool pinned_too) const;
    std::optional<std::uint32_t> newest_found() const;  // that waits to be indexed
    bool is_newest(std::uint32_t number) const;
    void find_again();                            // the sealed ones wait to be indexed, again
    bool any_older_than(const Life& life) const;  // with records in it

    std::uint32_t files() const;  // those on the disk
    std::uint32_t offline() const;
    std::uint32_t found() const;

private:
    std::vector<Segment> all_;
};

}  // namespace selvage::cache_store
