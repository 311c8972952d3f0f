#include "cache_store/disk_tier.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "cache_store/object_io.h"

namespace selvage::cache_store {
namespace {

constexpr std::string_view kTopic = "cache";

// NOFOLLOW and NONBLOCK: a link or a pipe that somebody put in the place of an object must not lead or hold us.
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
// The folder was left to another process while a file was written.
constexpr int kReleased = ECANCELED;
constexpr int kWriteFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;

std::string text_of(int fault) { return std::generic_category().message(fault); }

}  // namespace

DiskTier::DiskTier(StoreFolder folder, const Inventory& found, std::uint64_t limit, FileSystem& files, Clock clock, Log& log)
    : folder_(std::move(folder)), files_(files), clock_(std::move(clock)), log_(log), index_(limit) {
    for (const auto& object : found.objects) index_.add(object.key, disk_charge(object.bytes));
    trim();
}

bool DiskTier::may_have(const Key128& key) const {
    const std::lock_guard lock(index_mutex_);
    const auto* const entry = index_.find(key);
    return entry != nullptr && !entry->aside && reads_.allows(clock_());
}

bool DiskTier::still_has(const Key128& key, std::uint64_t generation) const {
    const std::lock_guard lock(index_mutex_);
    const auto* const entry = index_.find(key);
    return entry != nullptr && !entry->aside && entry->generation == generation;
}

void DiskTier::add_to(Stats& stats) const {
    const std::lock_guard lock(index_mutex_);
    stats.disk_bytes += index_.used();
    stats.disk_objects += index_.size();
    stats.disk_evictions += counts_.evictions;
    stats.disk_hits += counts_.hits;
    stats.disk_misses += counts_.misses;
    stats.disk_errors += counts_.errors;
    stats.corrupt += counts_.corrupt;
    stats.rejected += counts_.rejected;
    stats.disk_online = online(clock_());
}

bool DiskTier::online(SteadyTime now) const {
    return !released_ && index_.limit() > 0 && writes_.allows(now) && reads_.allows(now);
}

std::optional<DiskTier::Fetched> DiskTier::fetch(const Key128& key) {
    const auto entry = begin_read(key);
    if (!entry) return std::nullopt;
    FileDescriptor file(files_.openat(folder_.objects.number(), object_name(key).c_str(), kReadFlags, 0));
    if (!file) {
        not_opened(*entry, errno);
        return std::nullopt;
    }
    auto object = read(*entry, std::move(file), clock_());
    if (!object) {
        not_read(*entry, object.error());
        return std::nullopt;
    }
    read_succeeded();
    return Fetched{.object = std::make_shared<const Object>(*std::move(object)), .generation = entry->generation};
}

// The entry as it is before its use is noted; nothing when there is none, which is counted.
std::optional<DiskEntry> DiskTier::begin_read(const Key128& key) {
    const auto now = clock_();
    const std::lock_guard lock(index_mutex_);
    const auto* const found = reads_.allows(now) ? index_.find(key) : nullptr;
    if (found == nullptr || found->aside) {
        ++counts_.misses;
        return std::nullopt;
    }
    const DiskEntry before = *found;
    index_.use(key, now >= before.touch_after ? now + kTouchInterval : before.touch_after);
    return before;
}

std::expected<Object, BadFile> DiskTier::read(const DiskEntry& entry, FileDescriptor file, SteadyTime now) {
    auto object = read_object(files_, file.number(), entry.key);
    // Best effort: without it, this object is merely among the first to go after a restart.
    if (object && now >= entry.touch_after) files_.futimens(file.number());
    return object;
}

void DiskTier::not_opened(const DiskEntry& entry, int fault) {
    const auto now = clock_();
    const std::lock_guard lock(index_mutex_);
    ++counts_.misses;
    if (fault == ENOENT) {  // somebody tidied up: its bytes are free
        index_.remove(entry.key, entry.generation);
        return;
    }
    log_.warn(kTopic, "cannot open {}: {}", object_name(entry.key), text_of(fault));
    note_failed_read(now);
}

void DiskTier::not_read(const DiskEntry& entry, BadFile reason) {
    const auto now = clock_();
    log_.warn(kTopic, "{} is {}", object_name(entry.key), name_of(reason));
    {
        const std::lock_guard lock(index_mutex_);
        ++counts_.misses;
        if (reason == BadFile::FutureVersion) {
            index_.set_aside(entry.key, entry.generation);
            return;
        }
        if (reason == BadFile::Unreadable) {
            note_failed_read(now);
        } else {
            ++counts_.corrupt;
        }
    }
    drop(entry);
}

void DiskTier::note_failed_read(SteadyTime now) {
    ++counts_.errors;
    if (reads_.failed(now)) log_.error(kTopic, "disk tier offline for {} s: reads fail", Breaker::kRest.count());
}

void DiskTier::read_succeeded() {
    const std::lock_guard lock(index_mutex_);
    ++counts_.hits;
    if (reads_.succeeded()) log_.info(kTopic, "disk tier reads again");
}

NotStored DiskTier::store(const Key128& key, const Object& object) {
    const auto charge = disk_charge(file_bytes(object));
    if (const auto reason = refusal(object, charge); reason != NotStored::None) return reason;
    if (const auto reason = make_room(charge); reason != NotStored::None) return reason;
    const int fault = write_file(key, object, charge);
    if (fault == kReleased) return NotStored::DiskOff;
    if (fault != 0) return write_failed(key, fault);
    write_succeeded();
    trim();  // the limit may have shrunk since the reservation
    return NotStored::None;
}

NotStored DiskTier::refusal(const Object& object, std::uint64_t charge) {
    const auto now = clock_();
    const std::lock_guard lock(index_mutex_);
    if (!online(now)) return NotStored::DiskOff;
    const auto body_bytes = object.body ? object.body->size() : 0;
    if (charge <= index_.limit() / 8 && body_bytes <= kLargestBody && object.meta.size() <= kLargestMeta) return NotStored::None;
    ++counts_.rejected;
    return NotStored::TooLarge;
}

NotStored DiskTier::make_room(std::uint64_t charge) {
    const std::lock_guard names(names_mutex_);
    for (;;) {
        {
            const std::lock_guard lock(index_mutex_);
            if (released_) return NotStored::DiskOff;
            if (index_.reserve(charge)) return NotStored::None;
        }
        switch (evict_oldest()) {
            case Eviction::Done:
                break;
            case Eviction::NothingLeft:
                return NotStored::DiskFull;  // reserved by stores under way
            case Eviction::Failed:
                return NotStored::WriteFailed;
        }
    }
}

// Returns 0 or an errno. Whatever happens, the reservation is used or given back.
int DiskTier::write_file(const Key128& key, const Object& object, std::uint64_t charge) {
    const auto number = temporaries_.fetch_add(1, std::memory_order_relaxed);
    const auto temporary = fmt::format("{}{}-{}", kTemporaryPrefix, ::getpid(), number);
    FileDescriptor file(files_.openat(folder_.objects.number(), temporary.c_str(), kWriteFlags, 0600));
    if (!file) {
        const int fault = errno;
        give_back(charge);
        return fault;
    }
    int fault = fill_and_close(std::move(file), key, object);
    if (fault == 0) fault = publish(temporary, key, charge);
    if (fault != 0) discard(temporary, charge);
    return fault;
}

int DiskTier::fill_and_close(FileDescriptor file, const Key128& key, const Object& object) {
    if (const int fault = write_object(files_, file.number(), key, object); fault != 0) return fault;
    // Some file systems (NFS, quotas) report a failed write only now.
    return files_.close(file.release()) == 0 ? 0 : errno;
}

int DiskTier::publish(const std::string& temporary, const Key128& key, std::uint64_t charge) {
    const std::lock_guard names(names_mutex_);
    if (released_) return kReleased;  // its new owner may have counted what there is
    const int folder = folder_.objects.number();
    const auto name = object_name(key);
    const auto rename = [&] { return files_.renameat(folder, temporary.c_str(), name.c_str()) == 0 ? 0 : errno; };
    int fault = rename();
    if (fault == ENOENT && files_.mkdirat(folder, name.substr(0, 2).c_str(), 0700) == 0) fault = rename();
    if (fault != 0) return fault;
    const std::lock_guard lock(index_mutex_);
    index_.publish(key, charge, clock_() + kTouchInterval);
    return 0;
}

// A temporary that cannot be removed keeps its reservation: its bytes are on the disk. The next opening removes it.
void DiskTier::discard(const std::string& temporary, std::uint64_t charge) {
    if (files_.unlinkat(folder_.objects.number(), temporary.c_str()) == 0 || errno == ENOENT) give_back(charge);
}

void DiskTier::give_back(std::uint64_t charge) {
    const std::lock_guard lock(index_mutex_);
    index_.release(charge);
}

NotStored DiskTier::write_failed(const Key128& key, int fault) {
    const auto now = clock_();
    log_.warn(kTopic, "cannot write {}: {}", object_name(key), text_of(fault));
    const std::lock_guard lock(index_mutex_);
    note_failed_write(now);
    return fault == ENOSPC || fault == EDQUOT ? NotStored::DiskFull : NotStored::WriteFailed;
}

void DiskTier::note_failed_write(SteadyTime now) {
    ++counts_.errors;
    if (writes_.failed(now)) log_.error(kTopic, "disk tier stores nothing for {} s: writes fail", Breaker::kRest.count());
}

void DiskTier::write_succeeded() {
    const std::lock_guard lock(index_mutex_);
    if (writes_.succeeded()) log_.info(kTopic, "disk tier stores again");
}

void DiskTier::erase(const Key128& key) {
    std::optional<DiskEntry> entry;
    {
        const std::lock_guard lock(index_mutex_);
        if (const auto* const found = index_.find(key)) entry = *found;
    }
    if (entry) drop(*entry);
}

void DiskTier::set_limit(std::uint64_t limit) {
    {
        const std::lock_guard lock(index_mutex_);
        index_.set_limit(limit);
    }
    trim();
}

void DiskTier::release() {
    const std::lock_guard names(names_mutex_);
    const std::lock_guard lock(index_mutex_);
    released_ = true;
    folder_.lock.reset();
}

// What another process has removed meanwhile is noticed when it is looked for, as always; it has added nothing if it never
// served.
bool DiskTier::reclaim() {
    auto taken = take_lock(folder_.store.number());
    if (!taken) {
        log_.warn(kTopic, "the folder is {}; nothing more is stored on disk", taken.error().detail);
        return false;
    }
    const std::lock_guard names(names_mutex_);
    const std::lock_guard lock(index_mutex_);
    folder_.lock = *std::move(taken);
    released_ = false;
    return true;
}

void DiskTier::trim() {
    const std::lock_guard names(names_mutex_);
    for (;;) {
        {
            const std::lock_guard lock(index_mutex_);
            if (released_ || !index_.over_limit()) return;
        }
        if (evict_oldest() != Eviction::Done) return;
    }
}

DiskTier::Eviction DiskTier::evict_oldest() {
    DiskEntry victim;
    {
        const std::lock_guard lock(index_mutex_);
        const auto* const oldest = index_.oldest();
        if (oldest == nullptr) return Eviction::NothingLeft;
        victim = *oldest;
    }
    const bool gone = remove(victim.key, victim.generation);
    const auto now = clock_();
    const std::lock_guard lock(index_mutex_);
    if (gone) {
        ++counts_.evictions;
        return Eviction::Done;
    }
    note_failed_write(now);
    index_.use(victim.key, victim.touch_after);  // so that the next attempt meets another file
    return Eviction::Failed;
}

// True when the file is no longer there. A file that was replaced meanwhile is left alone.
bool DiskTier::remove(const Key128& key, std::uint64_t generation) {
    {
        const std::lock_guard lock(index_mutex_);
        const auto* const entry = index_.find(key);
        if (entry == nullptr || entry->generation != generation) return true;
    }
    const auto name = object_name(key);
    if (files_.unlinkat(folder_.objects.number(), name.c_str()) != 0 && errno != ENOENT) {
        log_.warn(kTopic, "cannot remove {}: {}", name, text_of(errno));
        return false;
    }
    const std::lock_guard lock(index_mutex_);
    index_.remove(key, generation);
    return true;
}

void DiskTier::drop(const DiskEntry& entry) {
    const std::lock_guard names(names_mutex_);
    if (remove(entry.key, entry.generation)) return;
    const std::lock_guard lock(index_mutex_);
    ++counts_.errors;
    index_.set_aside(entry.key, entry.generation);
}

}  // namespace selvage::cache_store
