#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"

namespace selvage::cache_store {

// A stored representation. Immutable, shared.
//
// `meta` is the caller's own text (media type, entity tag, …), kept with the body and not interpreted here.
// `cost_ms` is what it took to make, in milliseconds of CPU and fetch. `source` is the content hash it was made from.
struct Object {
    std::string meta;
    BlobPtr body;
    std::uint32_t cost_ms = 0;
    Sha256 source;
    WallTime created;
};
using ObjectPtr = std::shared_ptr<const Object>;

// Why an object was not kept on disk; data for the access log and metrics.
enum class NotStored : std::uint8_t { None, TooLarge, DiskOff, DiskFull, WriteFailed, Bypassed };

struct Limits {
    std::uint64_t memory_bytes = 256ULL << 20;  // bodies, meta and overhead together
    std::uint64_t disk_bytes = 10ULL << 30;     // files under the store's folder, at every instant
};

struct Stats {
    std::uint64_t memory_bytes = 0, memory_objects = 0, memory_evictions = 0, memory_hits = 0, memory_misses = 0;
    std::uint64_t disk_bytes = 0, disk_objects = 0, disk_evictions = 0, disk_hits = 0, disk_misses = 0;  // of fetch()
    std::uint64_t disk_errors = 0;  // failed reads and writes
    std::uint64_t corrupt = 0;      // entries dropped because a checksum, key or length did not fit
    std::uint64_t rejected = 0;     // objects that were too large to keep, counted by each tier that refused
    bool disk_online = false;       // the disk tier reads and writes; false also while it rests after failures
};

// Two tiers under one key. Thread-safe; nothing here is asynchronous.
//
// find() and the memory half of put() never touch the disk and may be called on a loop; fetch() and store() block on it and
// belong on the work pool. A missing, torn, foreign or corrupt disk entry is a miss, counted and removed, never an error.
// A folder that cannot be used leaves the memory tier working.
class Store {
public:
    virtual ~Store() = default;

    // Memory only. Null: not there.
    virtual ObjectPtr find(const Key128& key) = 0;

    // May the disk tier have it? From the index in memory, no I/O. False is certain: fetch() would miss.
    virtual bool on_disk(const Key128& key) const = 0;

    // Blocks. Reads, verifies and promotes to memory. Null: a miss.
    virtual ObjectPtr fetch(const Key128& key) = 0;

    // Memory tier, at once; evicts to stay within the limit. Writes nothing to disk: store() does.
    virtual void put(const Key128& key, ObjectPtr object) = 0;

    // Blocks. Disk tier: temporary file, checksum, rename; evicts oldest-used first to stay within the limit.
    virtual NotStored store(const Key128& key, const Object& object) = 0;

    virtual void erase(const Key128& key) = 0;  // both tiers; blocks
    // Blocks: evicts before it returns. Zero turns a tier off and empties it.
    virtual void set_limits(const Limits& limits) = 0;

    // Blocks. Leaves the disk tier's folder to another process, which may open it when this returns: nothing is written, evicted
    // or locked any more; what is there is still read. For a successor that starts while this process still answers.
    virtual void release() = 0;
    // Blocks. Takes it back. False: another process has it, and it stays as it is.
    virtual bool reclaim() = 0;

    virtual Stats stats() const = 0;
};

// Opens the store in `folder` (created when missing; a subfolder of its own within it holds the files and a lock).
// An index of what is there is built before it returns; files with temporary names are removed.
// Never fails: an unusable folder, or one in use by another process, is logged and leaves disk_online false.
std::unique_ptr<Store> open_store(const std::string& folder, const Limits& limits, Log& log);

}  // namespace selvage::cache_store
