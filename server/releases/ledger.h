#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "server/releases/contents.h"
#include "server/releases/history.h"
#include "server/releases/records.h"
#include "server/releases/state.h"

namespace selvage::releases {

// The History of one root: told what the folder has, one whole build at a time; written to the disk whenever that changes.
// Thread-safe.
class Ledger final : public History {
public:
    // Reads what is remembered of this root; what cannot be read is logged and begun anew. Blocks. `clock` empty: the system's.
    Ledger(const std::string& cache_folder, std::string root, const Limits& limits, std::shared_ptr<Contents> contents, Log& log,
           std::function<WallTime()> clock = {});
    ~Ledger() override;

    const std::string& root() const { return root_; }
    WallTime now() const;
    Contents& contents() const { return *contents_; }
    void set_limits(const Limits& limits);
    Limits limits() const;

    // Bytes; larger files are neither kept nor dictionaries, and need not be looked at.
    std::uint64_t largest() const { return std::max(kLargestDictionary, contents_->largest()); }

    // Copies a file that take_in() will tell of, as far as there is room. `descriptor`: open for reading. Blocks.
    void keep(const Sha256& content, int descriptor, std::uint64_t size);

    // All that the folder has at present, in one step: what is new offers from now on, what is missing is gone. Contents that are
    // to be kept have been kept before. Blocks; one thread at a time.
    void take_in(const std::vector<Present>& build);

    // Lets go of what has been gone for too long. Blocks.
    void prune();

    // When the present pages_dictionary() was made.
    std::optional<WallTime> pages_dictionary_since() const;

    // What the path had last, if it is kept, whether the folder has it still or not.
    std::optional<Record> latest(std::string_view path) const;

    // The path was purged: if its file is gone, it is not served any more.
    void forget(std::string_view path);

    struct Stats {
        std::uint64_t present = 0, gone = 0;  // records
        std::uint64_t release = 0;            // number of the present one
    };
    Stats stats() const;

    // History
    std::uint64_t changes() const override { return changes_.load(std::memory_order_acquire); }
    std::optional<Seen> removed(std::string_view path) const override;
    std::optional<Offer> offer_of(std::string_view path, const Sha256& content) const override;
    std::optional<Seen> pages_dictionary() const override;
    std::optional<std::uint64_t> size_of(const Sha256& content) const override;
    std::vector<Sha256> before(std::string_view path, const Sha256& content) const override;
    Result<BlobPtr> read(const Sha256& content) const override { return contents_->read(content); }
    Result<void> append(const Sha256& content, std::string& room) const override { return contents_->append(content, room); }
    http::OpenFilePtr open(const Sha256& content) const override { return contents_->open(content); }
    void on_release(OnRelease tell) override { on_release_ = std::move(tell); }

private:
    using StatePtr = std::shared_ptr<const State>;

    StatePtr state() const;
    void replace(State state);  // and tells the contents; writing_ held
    State::Kept kept() const {
        return [this](const Sha256& content) { return contents_->kept(content); };
    }
    void load();
    void save();  // writing_ held

    const std::string root_;
    const std::string folder_, file_;
    const std::shared_ptr<Contents> contents_;
    Log& log_;
    const std::function<WallTime()> clock_;
    OnRelease on_release_;
    std::atomic<std::uint64_t> changes_{1};
    std::atomic<bool> complained_{false}, complained_of_room_{false};

    std::mutex writing_;            // one change at a time; what is read meanwhile is what was before
    std::vector<Present> present_;  // guarded by it: what take_in() was told last

    mutable std::mutex mutex_;  // for a moment only
    StatePtr state_ = std::make_shared<const State>();
    Limits limits_;
};

}  // namespace selvage::releases
