#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cache_store/breaker.h"
#include "cache_store/disk_index.h"
#include "cache_store/file_system.h"
#include "cache_store/object_file.h"
#include "cache_store/store.h"
#include "cache_store/store_folder.h"

namespace selvage::cache_store {

// What the store waits by; steady time, an argument so that tests can let it pass.
using Clock = std::function<SteadyTime()>;

// Objects as files, one each, under a byte limit that holds at every instant: room is made and reserved before a byte is written,
// and counts as taken until the file is known to be gone. Thread-safe. All but may_have(), still_has() and add_to() block on the
// disk; those three never wait for a thread that does.
//
// Order of eviction: least recently fetched or stored. Across a restart it is the order of modification times, which a hit
// refreshes at most once in kTouchInterval, to spare the disk a write per read.
// Failures: see breaker.h. Failed writes rest the writing, and failed reads both; what cannot be removed is not served again.
// Nothing is synced: a file that a power loss tore fails its checksum.
class DiskTier {
public:
    static constexpr std::chrono::hours kTouchInterval{1};

    // `files`, `clock` and `log` outlive the tier. Evicts at once when there is more than the limit allows.
    DiskTier(StoreFolder folder, const Inventory& found, std::uint64_t limit, FileSystem& files, Clock clock, Log& log);
    DiskTier(const DiskTier&) = delete;
    DiskTier& operator=(const DiskTier&) = delete;

    struct Fetched {
        ObjectPtr object;
        std::uint64_t generation = 0;  // of the file it came from
    };

    bool may_have(const Key128& key) const;
    bool still_has(const Key128& key, std::uint64_t generation) const;
    std::optional<Fetched> fetch(const Key128& key);
    NotStored store(const Key128& key, const Object& object);
    void erase(const Key128& key);
    void set_limit(std::uint64_t limit);
    void release();  // Store::release
    bool reclaim();
    void add_to(Stats& stats) const;  // the disk_ fields, corrupt and rejected

private:
    enum class Eviction : std::uint8_t { Done, NothingLeft, Failed };
    struct Counts {
        std::uint64_t hits = 0, misses = 0, evictions = 0, errors = 0, corrupt = 0, rejected = 0;
    };

    // Reading.
    std::optional<DiskEntry> begin_read(const Key128& key);
    std::expected<Object, BadFile> read(const DiskEntry& entry, FileDescriptor file, SteadyTime now);
    void not_opened(const DiskEntry& entry, int fault);
    void not_read(const DiskEntry& entry, BadFile reason);
    void read_succeeded();

    // Writing.
    NotStored refusal(const Object& object, std::uint64_t charge);
    NotStored make_room(std::uint64_t charge);
    int write_file(const Key128& key, const Object& object, std::uint64_t charge);
    int fill_and_close(FileDescriptor file, const Key128& key, const Object& object);
    int publish(const std::string& temporary, const Key128& key, std::uint64_t charge);
    void discard(const std::string& temporary, std::uint64_t charge);
    void give_back(std::uint64_t charge);
    NotStored write_failed(const Key128& key, int fault);
    void write_succeeded();

    // Removing. The caller holds names_mutex_.
    bool remove(const Key128& key, std::uint64_t generation);
    Eviction evict_oldest();

    void trim();
    void drop(const DiskEntry& entry);  // removes, or sets aside what cannot be removed

    // Bookkeeping. The caller holds index_mutex_.
    void note_failed_read(SteadyTime now);
    void note_failed_write(SteadyTime now);
    bool online(SteadyTime now) const;

    StoreFolder folder_;
    FileSystem& files_;
    const Clock clock_;
    Log& log_;
    std::atomic<std::uint64_t> temporaries_{0};

    // Held across rename and unlink, so that the index and the folder change together. Taken before index_mutex_, never after.
    std::mutex names_mutex_;
    // Held for look-ups and bookkeeping only, never across a system call on the disk.
    mutable std::mutex index_mutex_;
    DiskIndex index_;
    Breaker writes_, reads_;
    bool released_ = false;  // written under both mutexes, read under either
    Counts counts_;
};

}  // namespace selvage::cache_store
