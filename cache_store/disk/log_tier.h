#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cache_store/file_system.h"
#include "cache_store/store.h"

namespace selvage::cache_store {

// What the store waits by; steady and wall time, arguments so that tests can let them pass.
struct Clocks {
    std::function<SteadyTime()> steady;
    std::function<WallTime()> wall;
};
Clocks real_clocks();

// Objects in a log of segments (record.h, segment.h, superblock.h): appended in batches, found by an index in memory, evicted
// segment by segment, the oldest first, after the best of it has been copied forward. Never more bytes on the disk than the
// limit.
//
// Thread-safe. enqueue(), erase(), find() and read_now() never wait for the disk nor for who does; everything that does is said
// so. All writing happens in work(), one call at a time.
//
// Failures (R7): a segment that cannot be written is given up, after a few in a row writing rests (breaker.h); what is on the
// disk is still read. A segment whose reads fail is given up. Nothing is ever retried within a request.
class LogTier {
public:
    // `folder` is created when missing; the lock is taken. Reads the superblock and the segments' headers, not the records:
    // work() does that, newest segment first. `purges` is opened in the folder here (its journal), or told to be cold. `files`,
    // `clocks`, `purges` and `log` outlive the tier. Errors: Overloaded when another process has the folder; Internal otherwise,
    // with the reason.
    static Result<std::unique_ptr<LogTier>> open(const std::string& folder, const Limits& limits, PurgeTable& purges,
                                                 FileSystem& files, Clocks clocks, Log& log);
    ~LogTier();

    bool may_have(const Key128& key) const;

    enum class Miss : std::uint8_t { NotThere, WouldBlock, Large };  // Large: an object in parts: open() it
    std::expected<ObjectPtr, Miss> read_now(const Key128& key);
    std::expected<ObjectPtr, Miss> read(const Key128& key);    // blocks
    std::shared_ptr<StoredBody> open_body(const Key128& key);  // blocks; of any object. Null: not there

    // Takes the object, to be written by work(). Bounded: Busy when too much waits. What waits is found by all of the above.
    NotStored enqueue(const Key128& key, ObjectPtr object);
    bool refresh(const Key128& key, const Lifetimes& lifetimes);
    void erase(const Key128& key);

    bool work_waits() const;
    void work();  // blocks; a fraction of a second at most, on a disk that works
    void on_work(std::function<void()> tell);

    void set_limits(const Limits& limits);  // blocks
    void release();                         // blocks; see Store
    bool reclaim();
    void close();  // blocks: writes what waits

    // A lower bound of the births of all that is stored; 0 while that is not known, UINT64_MAX when there is nothing.
    std::uint64_t oldest_birth() const;
    bool indexed() const;      // all that was found on opening is in the index
    bool filled_once() const;  // has the log ever come to its end? until then everything is admitted
    // The file beside the segments that lists what is hot; blocks. Empty: there is none.
    std::string read_hot_list();
    bool write_hot_list(std::string_view text);

    void add_to(DiskStats& stats) const;

    struct State;

private:
    explicit LogTier(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace selvage::cache_store
