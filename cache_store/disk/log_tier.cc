#include "cache_store/disk/log_tier.h"

#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <utility>

#include "cache_store/disk/log_body.h"
#include "cache_store/disk/log_home.h"
#include "cache_store/disk/log_opening.h"
#include "cache_store/disk/log_reader.h"
#include "cache_store/disk/log_writer.h"

namespace selvage::cache_store {
namespace {

// Of one call of work(): long enough to get on, short enough to stop a process in time.
constexpr std::chrono::milliseconds kIndexingTurn{50}, kWritingTurn{300};
constexpr std::size_t kLargestHotList = 1U << 20;
enum class Waiters : std::uint8_t { Due, All };
constexpr std::size_t kRecordSlack = kLargestRecordHead + 512;

}  // namespace

Clocks real_clocks() {
    return {.steady = [] { return std::chrono::steady_clock::now(); },
            .wall = [] { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }};
}

struct LogTier::State {
    LogHome home;
    LogWriter writer{home};
    std::mutex writing;  // over both, except home.contents, which has its own, taken after it
    bool released = false;
    bool end_is_known = false;  // where the log goes on: the newest segment has been indexed
    std::uint64_t limit = 0;
    std::function<void()> tell;
    std::atomic<std::uint64_t> least_birth{0}, hot_bytes{0};

    LogContents& contents() { return *home.contents; }
    SteadyTime now() const { return home.clocks.steady(); }

    Judge judge() const {
        return {.now = home.clocks.wall(), .purge_sequence = home.purges.sequence(), .least_birth = least_birth};
    }
    std::expected<ObjectPtr, Miss> read(const Key128& key, Patience patience);
    void wake(const LogContents::Told& told) {
        if (told.wake && tell) tell();
    }
    bool writes() { return !released && !contents().closed(); }
    void opened();
    void end();
    void find_the_end();
    void index_some();
    void write_waiting(Waiters which);
    void write_all();
};

Result<std::unique_ptr<LogTier>> LogTier::open(const std::string& folder, const Limits& limits, PurgeTable& purges,
                                               FileSystem& files, Clocks clocks, Log& log) {
    auto opened = TRY(open_log_folder(folder));
    remove_first_version(folder, log);
    std::unique_ptr<State> state(new State{.home = {.files = files,
                                                    .clocks = std::move(clocks),
                                                    .purges = purges,
                                                    .log = log,
                                                    .folder = std::move(opened),
                                                    .contents = std::make_shared<LogContents>()}});
    state->limit = limits.disk_bytes;
    TRY(open_log(state->home, state->limit));
    state->opened();
    return std::unique_ptr<LogTier>(new LogTier(std::move(state)));
}

LogTier::LogTier(std::unique_ptr<State> state) : state_(std::move(state)) {}

LogTier::~LogTier() {
    const std::lock_guard lock(state_->writing);
    state_->end();
}

void LogTier::State::end() {
    if (contents().closed()) return;
    if (!released) home.purges.release();  // its journal's folder is ours
    contents().set_closed(released, true);
    home.folder.lock.reset();
}

// ---- reading

bool LogTier::may_have(const Key128& key) const { return state_->contents().may_have(key); }

std::expected<ObjectPtr, LogTier::Miss> LogTier::State::read(const Key128& key, Patience patience) {
    const auto found = contents().look_up(key);
    if (found.waiting) return found.waiting;
    if (!found.place) return std::unexpected(Miss::NotThere);
    if (patience == Patience::Now && found.place->location.length > Store::kReadNow + kRecordSlack) {
        contents().too_far();
        return std::unexpected(Miss::WouldBlock);
    }
    auto object = read_object(contents(), key, found, judge(), patience);
    if (!object) return std::unexpected(object.error() == ReadEnd::WouldBlock ? Miss::WouldBlock : Miss::NotThere);
    if (!object->body) return std::unexpected(Miss::Large);
    contents().ended(key, *found.place, ReadEnd::Hit);
    return std::make_shared<const Object>(*std::move(object));
}

std::expected<ObjectPtr, LogTier::Miss> LogTier::read_now(const Key128& key) { return state_->read(key, Patience::Now); }
std::expected<ObjectPtr, LogTier::Miss> LogTier::read(const Key128& key) { return state_->read(key, Patience::Wait); }

std::shared_ptr<StoredBody> LogTier::open_body(const Key128& key) {
    const auto found = state_->contents().look_up(key);
    if (found.waiting) return body_in_memory(found.waiting);
    if (!found.place) return nullptr;
    auto object = read_object(state_->contents(), key, found, state_->judge(), Patience::Wait);
    if (!object) return nullptr;
    if (!object->body) return body_in_parts(state_->home.contents, key, *found.place, *std::move(object));
    state_->contents().ended(key, *found.place, ReadEnd::Hit);
    return body_in_memory(std::make_shared<const Object>(*std::move(object)));
}

// ---- putting

NotStored LogTier::enqueue(const Key128& key, ObjectPtr object) {
    const auto told = state_->contents().enqueue(key, std::move(object), state_->now());
    state_->wake(told);
    return told.reason;
}

bool LogTier::refresh(const Key128& key, const Lifetimes& lifetimes) {
    const auto told = state_->contents().refresh(key, lifetimes, state_->now());
    state_->wake(told);
    return told.known;
}

void LogTier::erase(const Key128& key) { state_->wake(state_->contents().erase(key, state_->now())); }

// ---- work

bool LogTier::work_waits() const { return state_->contents().work_waits(state_->now()); }
void LogTier::on_work(std::function<void()> tell) { state_->tell = std::move(tell); }

// The superblock, headers and purges have been read.
void LogTier::State::opened() {
    least_birth = home.superblock.least_birth;
    end_is_known = false;
}

// Until it is known where the log goes on, nothing can be written.
void LogTier::State::find_the_end() {
    if (end_is_known) return;
    index_next(home, writer);
    end_is_known = true;
}

void LogTier::State::index_some() {
    if (end_is_known && contents().indexed()) return;
    const auto until = now() + kIndexingTurn;
    find_the_end();
    while (now() < until && index_next(home, writer)) {
    }
    if (contents().indexed()) home.log.info(LogHome::kTopic, "the disk's index is complete");
}

void LogTier::State::write_waiting(Waiters which) {
    const auto until = now() + kWritingTurn;
    while (which == Waiters::All || contents().due(now())) {
        auto items = contents().take(LogContents::kBatch);
        if (items.empty()) return;
        if (contents().write_allowed(now())) {
            writer.write(std::move(items));
        } else {
            contents().dropped(items, &DiskStats::dropped_offline);
        }
        if (which == Waiters::Due && now() >= until) return;
    }
}

void LogTier::State::write_all() {
    find_the_end();
    write_waiting(Waiters::All);
    writer.sync();
}

void LogTier::work() {
    const std::lock_guard lock(state_->writing);
    if (!state_->writes()) return;
    state_->contents().work_begins();
    state_->index_some();
    state_->write_waiting(Waiters::Due);
}

std::uint64_t LogTier::oldest_birth() const { return state_->contents().oldest_birth(); }
bool LogTier::indexed() const { return state_->contents().indexed(); }
bool LogTier::filled_once() const { return state_->contents().filled(); }

// ---- the whole

void LogTier::set_limits(const Limits& limits) {
    const std::lock_guard lock(state_->writing);
    if (!state_->writes()) return;
    state_->find_the_end();
    state_->limit = limits.disk_bytes;
    state_->write_waiting(Waiters::All);
    change_limit(state_->home, state_->writer, limits.disk_bytes);
    if (state_->home.geometry.segments == 0) state_->write_waiting(Waiters::All);  // what came meanwhile: it is dropped
}

void LogTier::release() {
    const std::lock_guard lock(state_->writing);
    if (!state_->writes()) return;
    state_->write_all();
    state_->contents().set_closed(true, false);
    state_->home.purges.release();
    state_->writer.abandon();
    state_->home.folder.lock.reset();
    state_->released = true;
}

bool LogTier::reclaim() {
    const std::lock_guard lock(state_->writing);
    if (!state_->released) return true;
    auto& home = state_->home;
    auto lock_file = take_lock(home.folder.objects.number());
    if (!lock_file) {
        home.log.warn(LogHome::kTopic, "the folder is {}; nothing more is stored on disk", lock_file.error().detail);
        return false;
    }
    home.folder.lock = *std::move(lock_file);
    // Whoever had it may have written: what is there now is found out as on opening.
    if (const auto opened = open_log(home, state_->limit); !opened) {
        home.log.warn(LogHome::kTopic, "{}; nothing more is stored on disk", opened.error().detail);
        home.folder.lock.reset();
        return false;
    }
    state_->opened();
    state_->released = false;
    state_->contents().set_closed(false, false);
    return true;
}

void LogTier::close() {
    const std::lock_guard lock(state_->writing);
    if (state_->writes()) state_->write_all();
    state_->end();
}

std::string LogTier::read_hot_list() {
    const auto file = open_file(state_->home.files, state_->home.folder.log.number(), kHotList);
    if (!file) return {};
    const auto read = read_bytes(*file, 0, kLargestHotList, Patience::Wait);
    return read ? std::string(read->view()) : std::string();
}

bool LogTier::write_hot_list(std::string_view text) {
    const std::lock_guard lock(state_->writing);
    if (!state_->writes() || text.size() > kLargestHotList) return false;
    auto& files = state_->home.files;
    const int folder = state_->home.folder.log.number();
    const auto file = open_file(files, folder, kNewHotList, O_CREAT | O_TRUNC);
    if (!file) return false;
    iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
    const bool written = write_all(files, file->number(), &part, 1, 0) == 0 && files.fdatasync(file->number()) == 0 &&
                         files.renameat(folder, kNewHotList, kHotList) == 0;
    if (!written) files.unlinkat(folder, kNewHotList);
    if (written) state_->hot_bytes = text.size();
    return written;
}

void LogTier::add_to(DiskStats& stats) const {
    state_->contents().add_to(stats, state_->now());
    if (stats.segments > 0) stats.bytes += 2 * kSuperblock + state_->hot_bytes + state_->home.purges.stats().journal_bytes;
}

}  // namespace selvage::cache_store
