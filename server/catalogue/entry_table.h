#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "server/catalogue/catalogue.h"
#include "server/origins/folder.h"

namespace selvage::catalogue {

// An entry with what is needed to tell cheaply whether it still holds.
struct Remembered {
    Entry entry;
    std::vector<origins::FileVersion> evidence;  // of the file and of each possible sidecar (all zero: absent); empty for no file
    bool settled = true;                         // false: so fresh that another change could have left the same evidence
    bool kept = false;                           // of the content store: the folder does not have it
    SteadyTime expires = SteadyTime::max();      // when it must be looked at again
};

// One thread's look at the disk for one path, which others that want the same path wait for.
class Look {
public:
    void finish(Result<Entry> outcome);  // once
    Result<Entry> wait();

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Result<Entry>> outcome_;
};

// What is remembered, by path: sharded, bounded (evicts in clock order), thread-safe. Paths are those of files ("/a/index.html",
// never "/a/"), except for folders, which have no slash at the end.
//
// A change that becomes known while a path is being looked at must not be overwritten by what the look saw before it. So begin()
// leaves a mark, forget…() wipes it together with the entry, and settle() remembers only what still has its mark.
class EntryTable {
public:
    explicit EntryTable(unsigned most);
    EntryTable(const EntryTable&) = delete;
    EntryTable& operator=(const EntryTable&) = delete;

    // Nothing: not remembered, or expired. One lock, no allocation.
    std::optional<Finding> find(std::string_view path, SteadyTime now);

    struct Turn {
        std::shared_ptr<Look> look;
        bool mine = false;                 // true: look, then settle and finish; false: wait
        std::optional<Remembered> before;  // expired, but perhaps still true
    };
    Turn begin(const std::string& path);

    // Ends a turn; nothing to remember when `found` is empty.
    void settle(const std::string& path, const std::shared_ptr<Look>& look, std::optional<Remembered> found);

    // Returns the source that was remembered; null: none.
    SourcePtr forget(std::string_view path);
    // The same for what is still there, but may have another standing: the next look has it as `before`.
    void doubt(std::string_view path);
    void forget_below(std::string_view folder);  // with its final slash; everything that begins with it
    void forget_everything();

    std::uint64_t size() const;
    std::uint64_t evicted() const;

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    struct Slot {
        Remembered remembered;
        std::size_t place = 0;  // in the ring
        bool touched = false;
    };
    using Slots = std::unordered_map<std::string, Slot, Hash, std::equal_to<>>;
    struct Shard {
        mutable std::mutex mutex;
        Slots slots;
        std::set<std::string_view> ordered;    // the keys of slots: a folder is a range of them
        std::vector<Slots::value_type*> ring;  // for the clock
        std::size_t hand = 0;
        std::map<std::string, std::shared_ptr<Look>, std::less<>> looks;
        std::uint64_t evicted = 0;

        void erase(Slots::iterator slot);
        void evict_one();
    };

    Shard& shard_of(std::string_view path) { return *shards_[Hash{}(path) % shards_.size()]; }

    std::vector<std::unique_ptr<Shard>> shards_;
    std::size_t most_per_shard_;
};

}  // namespace selvage::catalogue
