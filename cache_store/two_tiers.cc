#include "cache_store/two_tiers.h"

#include <utility>

#include "base/units.h"
#include "cache_store/memory_tier.h"

namespace selvage::cache_store {
namespace {

class TwoTiers final : public Store {
public:
    TwoTiers(std::uint64_t memory_limit, std::unique_ptr<DiskTier> disk) : memory_(memory_limit), disk_(std::move(disk)) {}

    ObjectPtr find(const Key128& key) override { return memory_.find(key); }
    bool on_disk(const Key128& key) const override { return disk_ && disk_->may_have(key); }
    void put(const Key128& key, ObjectPtr object) override { memory_.put(key, std::move(object)); }

    ObjectPtr fetch(const Key128& key) override {
        auto fetched = disk_ ? disk_->fetch(key) : std::nullopt;
        if (!fetched) return nullptr;
        memory_.put(key, fetched->object);
        // An erase between the read and the promotion wins: it removes from the disk first, so here we see it or it sees us.
        if (!disk_->still_has(key, fetched->generation)) memory_.erase_if_same(key, fetched->object);
        return std::move(fetched->object);
    }

    NotStored store(const Key128& key, const Object& object) override {
        return disk_ ? disk_->store(key, object) : NotStored::DiskOff;
    }

    void erase(const Key128& key) override {
        if (disk_) disk_->erase(key);
        memory_.erase(key);
    }

    void set_limits(const Limits& limits) override {
        memory_.set_limit(limits.memory_bytes);
        if (disk_) disk_->set_limit(limits.disk_bytes);
    }

    void release() override {
        if (disk_) disk_->release();
    }
    bool reclaim() override { return !disk_ || disk_->reclaim(); }

    Stats stats() const override {
        Stats stats;
        memory_.add_to(stats);
        if (disk_) disk_->add_to(stats);
        return stats;
    }

private:
    MemoryTier memory_;
    const std::unique_ptr<DiskTier> disk_;  // null: the folder cannot be used
};

Result<std::unique_ptr<DiskTier>> open_disk(const std::string& folder, std::uint64_t limit, Log& log, FileSystem& files,
                                            Clock clock) {
    auto place = TRY(open_store_folder(folder));
    const auto found = TRY(take_inventory(place.objects.number()));
    auto disk = std::make_unique<DiskTier>(std::move(place), found, limit, files, std::move(clock), log);
    log.info("cache", "{}: {} objects, {} leftovers removed", folder, found.objects.size(), found.leftovers);
    if (found.strangers > 0) log.warn("cache", "{}: {} names are not ours and were left alone", folder, found.strangers);
    return disk;
}

}  // namespace

std::unique_ptr<Store> open_two_tiers(const std::string& folder, const Limits& limits, Log& log, FileSystem& files, Clock clock) {
    auto disk = open_disk(folder, limits.disk_bytes, log, files, std::move(clock));
    if (!disk) log.warn("cache", "{}: {}; keeping objects in memory only", folder, disk.error().detail);
    return std::make_unique<TwoTiers>(limits.memory_bytes, disk ? *std::move(disk) : nullptr);
}

std::unique_ptr<Store> open_store(const std::string& folder, const Limits& limits, Log& log) {
    return open_two_tiers(folder, limits, log, real_file_system(), [] { return std::chrono::steady_clock::now(); });
}

}  // namespace selvage::cache_store
