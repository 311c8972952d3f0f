#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/log.h"
#include "base/result.h"
#include "cache_store/object.h"
#include "cache_store/purge/purge.h"
#include "cache_store/stats.h"

namespace selvage::cache_store {

// Where a new object may be kept.
enum class Keep : std::uint8_t {
    Anywhere,    // memory, and the disk when it is worth the write (disk/admission.h)
    MemoryOnly,  // soon to be replaced
};

// Why an object is not, or not yet, on its way to the disk; data for the access log and metrics.
enum class NotStored : std::uint8_t { None, NotYet, TooLarge, DiskOff, DiskFull, Busy, MemoryOnly };

struct Limits {
    std::uint64_t memory_bytes = 256ULL << 20;    // bodies, meta and overhead together
    std::uint64_t disk_bytes = 10ULL << 30;       // all files under the store's folder, at every instant
    std::uint64_t disk_write_rate = 64ULL << 20;  // bytes per second in the long run; 0: any
};

// A look-up's result. Null object: a miss. `stale`: a soft purge concerns it: use it while it is made anew.
struct Found {
    ObjectPtr object;
    bool stale = false;
    explicit operator bool() const { return object != nullptr; }
};

// An object that may be too large for memory, read in parts. Its place on the disk is kept while this lives.
// Any thread, one at a time.
class StoredBody {
public:
    virtual ~StoredBody() = default;
    virtual const Object& object() const = 0;  // without its body
    virtual std::uint64_t size() const = 0;

    enum class Failure : std::uint8_t { WouldBlock, Broken };
    // Fills `into` from `offset` < size(), at most `bytes`; the count, which is short at most at the end of a part. Every byte
    // has passed its checksum. read_now() takes only what it can have without waiting for the disk.
    virtual std::expected<std::size_t, Failure> read_now(std::uint64_t offset, char* into, std::size_t bytes) = 0;
    virtual std::expected<std::size_t, Failure> read(std::uint64_t offset, char* into, std::size_t bytes) = 0;
};

// Two tiers under one key. Thread-safe; nothing here is asynchronous. What says that it blocks belongs on the work pool; all else
// waits neither for the disk nor for a thread that does.
//
// A missing, torn, foreign or corrupt disk entry is a miss, counted and removed, never an error. A folder that cannot be used
// leaves the memory tier working.
//
// `floor`: what has been purged for who asks (floor_of). The object's own tags are looked after here.
class Store {
public:
    virtual ~Store() = default;

    // Memory only.
    virtual Found find(const Key128& key, const Floor& floor) = 0;
    // May the disk have it? No I/O. False: a fetch() would miss.
    virtual bool on_disk(const Key128& key) const = 0;
    // From the disk when that needs no waiting (RWF_NOWAIT, a body of at most kReadNow); promoted to memory. For loops.
    virtual Found fetch_now(const Key128& key, const Floor& floor) = 0;
    // Blocks. Promoted. Also what is too large for memory: whole, and shared with whoever fetches it at the same time.
    virtual Found fetch(const Key128& key, const Floor& floor) = 0;
    // Blocks: the head alone is read. Null: a miss, or an object that fits in memory: fetch() it.
    virtual std::shared_ptr<StoredBody> open(const Key128& key, const Floor& floor) = 0;

    // Memory, at once; and on its way to the disk when that is worth it. An object never replaces one that was born after it.
    virtual NotStored put(const Key128& key, ObjectPtr object, Keep keep) = 0;
    // New lifetimes for what is stored: an origin's 304. The body is not written again. False: it is not there.
    virtual bool refresh(const Key128& key, const Lifetimes& lifetimes) = 0;
    virtual void erase(const Key128& key) = 0;

    // The birth of what is asked for now.
    virtual std::uint64_t sequence() const = 0;
    virtual Floor floor_of(std::span<const Tag> tags, std::string_view site_and_path) const = 0;
    // Blocks until it is durable. Errors: Internal "not_durable" when it is in force, but a restart forgets it; Overloaded after
    // release() and close(), and nothing is purged.
    virtual Result<std::uint64_t> purge(const Purge& purge) = 0;

    // What the disk tier has to do: write what waits, make room, index what it found, warm up. The owner calls work() on the work
    // pool, one call at a time, when work_waits() and about once a second. Blocks, for a fraction of a second; `work` may wait
    // still.
    virtual bool work_waits() const = 0;
    virtual void work() = 0;
    // Called once, by whoever makes work wait while none did; any thread, also within put(). Set before the store is shared.
    virtual void on_work(std::function<void()> tell) = 0;

    // Blocks: evicts before it returns. Zero turns a tier off and empties it.
    virtual void set_limits(const Limits& limits) = 0;

    // Blocks. Leaves the disk tier's folder to another process, which may open it when this returns: nothing is written, evicted,
    // purged or locked any more; what is there is still read. For a successor that starts while this process still answers.
    virtual void release() = 0;
    // Blocks. Takes it back. False: another process has it, and it stays as it is.
    virtual bool reclaim() = 0;
    // Blocks: writes what waits, and the list of what is hot. The last call before the destructor.
    virtual void close() = 0;

    virtual Stats stats() const = 0;

    static constexpr std::size_t kReadNow = 256U << 10;
};

// Opens the store in `folder` (created when missing; a subfolder of its own within it holds the files and a lock). Answers at
// once: what is on the disk is found by work(), newest first, and until then it is a miss. Purges are known when it returns.
// Never fails: an unusable folder, or one in use by another process, is logged and leaves the disk offline.
std::unique_ptr<Store> open_store(const std::string& folder, const Limits& limits, Log& log);

}  // namespace selvage::cache_store
