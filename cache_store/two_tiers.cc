#include "cache_store/two_tiers.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "cache_store/changes.h"
#include "cache_store/disk/admission.h"
#include "cache_store/hot_list.h"
#include "cache_store/memory/memory_tier.h"
#include "cache_store/warm_up.h"

namespace selvage::cache_store {
namespace {

constexpr auto kBetweenHotLists = std::chrono::minutes(5);
// Longer than any fill may take: see compact_purges().
constexpr auto kBetweenCompactions = std::chrono::hours(1);
// Of an object in parts that is read whole: as much as is made whole anywhere (content codings of large texts).
constexpr std::uint64_t kLargestWhole = 64ULL << 20;

class TwoTiers final : public Store {
public:
    TwoTiers(const Limits& limits, Clocks clocks, Log& log)
        : limits_(limits),
          clocks_(std::move(clocks)),
          log_(log),
          memory_(limits.memory_bytes, clocks_.steady),
          admission_(limits.disk_write_rate) {}

    // Without a disk it stays as it is.
    void open_disk(const std::string& folder, FileSystem& files) {
        auto disk = LogTier::open(folder, limits_, purges_, files, clocks_, log_);
        if (!disk) {
            log_.warn("cache", "{}: {}; keeping objects in memory only", folder, disk.error().detail);
            return;
        }
        disk_ = *std::move(disk);
        hot_list_due_ = clocks_.steady() + kBetweenHotLists;
        compaction_due_ = clocks_.steady() + kBetweenCompactions;
    }

    Found find(const Key128& key, const Floor& floor) override {
        auto hit = memory_.find(key);
        if (!hit) return {};
        const std::uint64_t sequence = purges_.sequence();
        if (hit->judged != sequence) {  // something has been purged since it was looked at
            const Floor own = purges_.floor_of(hit->object->tags, {});
            if (own.drops(hit->object->birth)) {
                memory_.erase_if_same(key, hit->object);
                return purged();
            }
            hit->stale = own.makes_stale(hit->object->birth);
            memory_.judged(key, hit->object, sequence, hit->stale);
        }
        if (floor.drops(hit->object->birth)) return purged();  // under this URL; under another it may be good
        const bool stale = hit->stale || floor.makes_stale(hit->object->birth);
        return {.object = std::move(hit->object), .stale = stale};
    }

    bool on_disk(const Key128& key) const override { return disk_ && disk_->may_have(key); }

    Found fetch_now(const Key128& key, const Floor& floor) override {
        if (!disk_) return {};
        const auto before = changes_.before(key);
        auto read = disk_->read_now(key);
        return read ? promote(key, *std::move(read), floor, before) : Found{};
    }

    Found fetch(const Key128& key, const Floor& floor) override {
        if (!disk_) return {};
        const auto before = changes_.before(key);
        auto read = disk_->read(key);
        if (!read && read.error() == LogTier::Miss::Large) read = read_whole(key, before);
        return read ? promote(key, *std::move(read), floor, before) : Found{};
    }

    std::shared_ptr<StoredBody> open(const Key128& key, const Floor& floor) override {
        auto body = disk_ ? disk_->open_body(key) : nullptr;
        if (!body || fits_in_memory(*body) || !judge(key, body->object(), floor)) return nullptr;
        return body;
    }

    NotStored put(const Key128& key, ObjectPtr object, Keep keep) override {
        const Changes::Mark changing(changes_, key);
        std::vector<MemoryTier::Evicted> evicted;
        const bool kept = memory_.put(key, object, {.hits = 0, .keep = keep}, evicted);
        offer(evicted);
        if (!kept && younger_is_there(key, *object)) return NotStored::None;
        if (keep == Keep::MemoryOnly) return NotStored::MemoryOnly;
        if (!disk_) return NotStored::DiskOff;
        const auto reason =
            admission_.on_put(key, object->cost_ms, object->body->size(), !disk_->filled_once(), clocks_.steady());
        if (Admission::admits(reason)) return disk_->enqueue(key, std::move(object));
        if (disk_->may_have(key)) disk_->erase(key);  // what this replaces must not come back when it leaves memory
        return NotStored::NotYet;
    }

    bool refresh(const Key128& key, const Lifetimes& lifetimes) override {
        const Changes::Mark changing(changes_, key);
        auto hit = memory_.find(key);
        if (hit) {
            auto fresher = std::make_shared<Object>(*hit->object);
            fresher->lifetimes = lifetimes;
            std::vector<MemoryTier::Evicted> evicted;
            memory_.put(key, std::move(fresher), {.hits = 1, .keep = Keep::Anywhere}, evicted);
            offer(evicted);
        }
        return (disk_ && disk_->refresh(key, lifetimes)) || hit;
    }

    void erase(const Key128& key) override {
        const Changes::Mark changing(changes_, key);
        if (disk_) disk_->erase(key);
        memory_.erase(key);
    }

    std::uint64_t sequence() const override { return purges_.sequence(); }
    Floor floor_of(std::span<const Tag> tags, std::string_view site_and_path) const override {
        return purges_.floor_of(tags, site_and_path);
    }

    Result<std::uint64_t> purge(const Purge& purge) override {
        if (released_) return fail(ErrorKind::Overloaded, "the store's folder has been left to another process");
        auto done = purges_.purge(purge);
        // What is on a disk that could not be opened comes back with it, and knows nothing of this.
        if (done && !disk_) return fail(ErrorKind::Internal, "in force until a restart: the disk cannot be used", "not_durable");
        return done;
    }

    bool work_waits() const override { return disk_ && disk_->work_waits(); }

    void work() override {
        const std::lock_guard lock(work_mutex_);
        if (!disk_ || released_) return;
        disk_->work();
        if (disk_->indexed()) warm_up();
        if (clocks_.steady() >= hot_list_due_) save_hot_list();
        if (clocks_.steady() >= compaction_due_) compact_purges();
    }

    void on_work(std::function<void()> tell) override {
        if (disk_) disk_->on_work(std::move(tell));
    }

    void set_limits(const Limits& limits) override {
        const std::lock_guard lock(work_mutex_);
        limits_ = limits;
        admission_.set_rate(limits.disk_write_rate);
        if (disk_) disk_->set_limits(limits);
        std::vector<MemoryTier::Evicted> evicted;
        memory_.set_limit(limits.memory_bytes, evicted);
        offer(evicted);
    }

    void release() override {
        const std::lock_guard lock(work_mutex_);
        if (!disk_ || released_) return;
        save_hot_list();
        disk_->release();
        released_ = true;
    }

    bool reclaim() override {
        const std::lock_guard lock(work_mutex_);
        if (!disk_ || !released_) return true;
        released_ = !disk_->reclaim();
        return !released_;
    }

    void close() override {
        const std::lock_guard lock(work_mutex_);
        if (!disk_ || released_) return;
        save_hot_list();
        disk_->close();
    }

    Stats stats() const override {
        Stats stats;
        memory_.add_to(stats.memory);
        if (disk_) disk_->add_to(stats.disk);
        stats.admission = admission_.stats();
        stats.purge = purges_.stats();
        stats.purged = purged_.load(std::memory_order_relaxed);
        const std::lock_guard lock(warm_up_mutex_);
        stats.warm_up = warm_up_stats_;
        return stats;
    }

private:
    Found purged() {
        purged_.fetch_add(1, std::memory_order_relaxed);
        return {};
    }

    // What a look at the purges says of an object from the disk. Nothing: it is not there for who asks.
    std::optional<bool> judge(const Key128& key, const Object& object, const Floor& floor) {
        const Floor own = purges_.floor_of(object.tags, {});
        const Floor all = newest(own, floor);
        if (all.drops(object.birth)) {
            if (own.drops(object.birth)) disk_->erase(key);  // for everybody
            purged();
            return std::nullopt;
        }
        return all.makes_stale(object.birth);
    }

    Found promote(const Key128& key, ObjectPtr object, const Floor& floor, const Changes::Count& before) {
        const auto stale = judge(key, *object, floor);
        if (!stale) return {};
        std::vector<MemoryTier::Evicted> evicted;
        memory_.put(key, object, {.hits = 1, .keep = Keep::Anywhere}, evicted);
        // What was put or erased since the read began wins.
        if (!before || changes_.before(key) != before) memory_.erase_if_same(key, object);
        offer(evicted);
        return {.object = std::move(object), .stale = *stale};
    }

    // What leaves memory may be worth a place on the disk.
    void offer(std::vector<MemoryTier::Evicted>& evicted) {
        for (auto& each : evicted) {
            if (!disk_ || each.keep == Keep::MemoryOnly || disk_->may_have(each.key)) continue;
            const auto reason = admission_.on_evicted(each.key, each.hits, each.object->body->size(), clocks_.steady());
            if (Admission::admits(reason)) disk_->enqueue(each.key, std::move(each.object));
        }
    }

    bool younger_is_there(const Key128& key, const Object& object) {
        const auto hit = memory_.find(key);
        return hit && hit->object->birth > object.birth;
    }

    bool fits_in_memory(const StoredBody& body) const {
        return memory_charge(body.object(), body.size()) <= MemoryTier::largest_charge(limits_.memory_bytes);
    }

    // Who asks at the same time shares the bytes: they may be many, and are in no tier's account.
    std::expected<ObjectPtr, LogTier::Miss> read_whole(const Key128& key, const Changes::Count& before) {
        {
            const std::lock_guard lock(whole_mutex_);
            const auto found = whole_.find(key);
            const bool current = found != whole_.end() && before && found->second.before == before;
            if (auto shared = current ? found->second.object.lock() : nullptr) return shared;
        }
        const auto body = disk_->open_body(key);
        if (!body || body->size() > kLargestWhole) return std::unexpected(LogTier::Miss::NotThere);
        std::string bytes(body->size(), '\0');
        for (std::uint64_t done = 0; done < bytes.size();) {
            const auto read = body->read(done, bytes.data() + done, bytes.size() - done);
            if (!read || *read == 0) return std::unexpected(LogTier::Miss::NotThere);
            done += *read;
        }
        auto object = std::make_shared<Object>(body->object());
        object->body = make_blob(std::move(bytes));
        const std::lock_guard lock(whole_mutex_);
        std::erase_if(whole_, [](const auto& entry) { return entry.second.object.expired(); });
        whole_[key] = {.object = object, .before = before};
        return object;
    }

    void warm_up() {
        if (!warm_up_begun_) {
            warm_up_begun_ = true;
            warm_up_.begin(parse_hot_list(disk_->read_hot_list()));
            if (!warm_up_.done()) log_.info("cache", "warming up: {} objects were hot", warm_up_.stats().listed);
        }
        const bool ended = warm_up_.step(clocks_.steady, [this](const Key128& key) { return warm(key); });
        const WarmUpStats stats = warm_up_.stats();
        if (ended) log_.info("cache", "warmed up: {} of {} objects are in memory again", stats.loaded, stats.listed);
        const std::lock_guard lock(warm_up_mutex_);
        warm_up_stats_ = stats;
    }

    WarmUp::Loaded warm(const Key128& key) {
        MemoryStats memory;
        memory_.add_to(memory);
        if (memory.bytes > limits_.memory_bytes / 10 * 9) return WarmUp::Loaded::Full;
        if (memory_.find(key)) return WarmUp::Loaded::Yes;
        const auto before = changes_.before(key);
        auto read = disk_->read(key);
        if (!read && read.error() == LogTier::Miss::Large) read = read_whole(key, before);
        return read && promote(key, *std::move(read), {}, before) ? WarmUp::Loaded::Yes : WarmUp::Loaded::Missing;
    }

    // Purges that are older than all that is stored concern nothing any more. What is being filled was asked for an hour ago at
    // most.
    void compact_purges() {
        compaction_due_ = clocks_.steady() + kBetweenCompactions;
        const std::uint64_t stored = std::min(memory_.oldest_birth(), disk_->oldest_birth());
        purges_.compact(std::min(stored, std::exchange(compaction_sequence_, purges_.sequence())));
    }

    void save_hot_list() {
        hot_list_due_ = clocks_.steady() + kBetweenHotLists;
        // Until the last list has been used it is better than what has come since.
        if (warm_up_begun_ && warm_up_.done()) disk_->write_hot_list(encode_hot_list(memory_.hottest(kMostHot)));
    }

    Limits limits_;
    const Clocks clocks_;
    Log& log_;
    PurgeTable purges_;
    MemoryTier memory_;
    Admission admission_;
    Changes changes_;
    std::unique_ptr<LogTier> disk_;  // null: the folder cannot be used
    std::atomic<std::uint64_t> purged_{0};
    std::atomic<bool> released_{false};

    std::mutex work_mutex_;  // of all that is one at a time
    WarmUp warm_up_;
    bool warm_up_begun_ = false;
    SteadyTime hot_list_due_, compaction_due_;
    std::uint64_t compaction_sequence_ = 0;  // when it was last done
    mutable std::mutex warm_up_mutex_;
    WarmUpStats warm_up_stats_;

    std::mutex whole_mutex_;
    struct Whole {
        std::weak_ptr<const Object> object;
        Changes::Count before;  // nothing was put since: it is still that
    };
    std::unordered_map<Key128, Whole> whole_;
};

}  // namespace

std::unique_ptr<Store> open_two_tiers(const std::string& folder, const Limits& limits, Log& log, FileSystem& files,
                                      Clocks clocks) {
    auto store = std::make_unique<TwoTiers>(limits, std::move(clocks), log);
    store->open_disk(folder, files);
    return store;
}

std::unique_ptr<Store> open_store(const std::string& folder, const Limits& limits, Log& log) {
    return open_two_tiers(folder, limits, log, real_file_system(), real_clocks());
}

}  // namespace selvage::cache_store
