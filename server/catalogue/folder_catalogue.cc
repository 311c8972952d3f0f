#include "server/catalogue/folder_catalogue.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "server/catalogue/indexed.h"

namespace selvage::catalogue {
namespace {

using origins::Folder;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kRootLife{500};
constexpr std::string_view kIndex = "index.html";
// Longer paths that lead nowhere are looked at each time: an absence must not cost kilobytes of memory.
constexpr std::size_t kLongestAbsence = 512;

// Ends a turn whatever happens, or others would wait for ever.
struct LookEnds {
    LookEnds(EntryTable& table, const std::string& key, std::shared_ptr<Look> look)
        : table_(table), key_(key), look_(std::move(look)) {}
    ~LookEnds() {
        table_.settle(key_, look_, std::move(found));
        if (!outcome) outcome.emplace(fail(ErrorKind::Internal, "a look at a file was abandoned"));
        look_->finish(*std::move(outcome));
    }
    LookEnds(const LookEnds&) = delete;
    LookEnds& operator=(const LookEnds&) = delete;

    std::optional<Result<Entry>> outcome;
    std::optional<Remembered> found;

private:
    EntryTable& table_;
    const std::string& key_;
    const std::shared_ptr<Look> look_;
};

}  // namespace

Indexed::Indexed(FolderPtr folder, const Options& options, Log& log, Surroundings surroundings)
    : options_(options),
      log_(log),
      surroundings_(std::move(surroundings)),
      folder_(std::move(folder)),
      entries_(options.entries),
      watches_(*this, log, surroundings_.watch),
      known_(options.entries),
      names_(4 * std::size_t{options.entries}),
      votes_(std::max(options.entries / 16, 64U)),
      predecessors_(options.entries),
      open_files_(std::make_shared<origins::OpenFiles>(surroundings_.open_files != 0 ? surroundings_.open_files
                                                                                     : origins::OpenFiles::sensible_bound())) {
    watches_.restart(folder_);
    root_checked_.store(now());
}

SteadyTime Indexed::now() const { return surroundings_.steady ? surroundings_.steady() : std::chrono::steady_clock::now(); }

std::int64_t Indexed::wall_ns() const {
    if (surroundings_.wall_ns) return surroundings_.wall_ns();
    return std::chrono::duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

FolderPtr Indexed::folder() const {
    const std::lock_guard lock(folder_mutex_);
    return folder_;
}

// Deploys may swap the root itself (a link, or two renames), which no watch within it tells. So twice a second one request looks.
bool Indexed::root_check_is_due(SteadyTime time) {
    SteadyTime checked = root_checked_.load(std::memory_order_relaxed);
    return time - checked > kRootLife && root_checked_.compare_exchange_strong(checked, time, std::memory_order_relaxed);
}

void Indexed::check_root() {
    const std::lock_guard lock(root_mutex_);
    const FolderPtr before = folder();
    if (before->still_current()) return;
    auto opened =
        Folder::open(before->root(), {.follow_symlinks = options_.follow_symlinks, .use_openat2 = surroundings_.use_openat2});
    if (!opened) return;
    log_.info("catalogue", "{} is another folder now", before->root());
    {
        const std::lock_guard swap(folder_mutex_);
        folder_ = *opened;
    }
    // In this order: a look that begins after the forgetting sees the new folder.
    watches_.restart(*std::move(opened));
    entries_.forget_everything();
    votes_.changed_everywhere();
    count_change();
}

FolderPtr Indexed::follow_root() {
    check_root();
    return folder();
}

std::optional<Finding> Indexed::find(std::string_view path, SteadyTime time) {
    if (root_check_is_due(time)) {
        root_check_wanted_.store(true, std::memory_order_relaxed);
        return std::nullopt;  // resolve() will
    }
    std::array<char, 512> buffer;  // "/a/" is remembered as "/a/index.html"
    const bool folder_page = path.ends_with('/');
    if (folder_page) {
        if (path.size() + kIndex.size() > buffer.size()) return std::nullopt;
        std::memcpy(buffer.data(), path.data(), path.size());
        std::memcpy(buffer.data() + path.size(), kIndex.data(), kIndex.size());
        path = {buffer.data(), path.size() + kIndex.size()};
    }
    auto found = entries_.find(path, time);
    if (!found) return std::nullopt;
    if (folder_page && std::holds_alternative<Directory>(found->entry)) found->entry = Absent{};
    found->until = std::min(found->until, root_checked_.load(std::memory_order_relaxed) + kRootLife);
    return found;
}

Result<Entry> Indexed::resolve(const std::string& path) {
    if (root_check_is_due(now()) || root_check_wanted_.exchange(false, std::memory_order_relaxed)) check_root();
    if (!origins::may_be_served(path)) return Absent{};
    if (!path.ends_with('/')) return resolve_key(path);
    auto entry = resolve_key(path + std::string(kIndex));
    if (entry && std::holds_alternative<Directory>(*entry)) return Absent{};
    return entry;
}

Result<Entry> Indexed::resolve_key(const std::string& key) {
    if (auto found = entries_.find(key, now())) return std::move(found->entry);
    auto turn = entries_.begin(key);
    if (!turn.mine) return turn.look->wait();

    LookEnds ends(entries_, key, std::move(turn.look));
    auto found = look_at(key, turn.before);
    if (!found) return ends.outcome.emplace(std::unexpected(std::move(found).error()));
    Entry entry = found->entry;
    ends.outcome.emplace(entry);
    if (!std::holds_alternative<Absent>(found->entry) || key.size() <= kLongestAbsence) ends.found = *std::move(found);
    return entry;
}

Result<std::string> Indexed::read(const Source& source) {
    if (source.bytes) return std::string(source.bytes->view());
    std::string bytes(static_cast<std::size_t>(source.size), '\0');
    const auto outcome = source.file->read_blocking(0, bytes.data(), bytes.size());
    const auto* count = std::get_if<std::size_t>(&outcome);
    if (count == nullptr) {
        const bool broken = std::get<http::OpenFile::Failure>(outcome) == http::OpenFile::Failure::Broken;
        return fail(broken ? ErrorKind::Internal : ErrorKind::NotFound,
                    source.path + ": " + (broken ? "cannot be read" : "has changed"));
    }
    // What is made of these bytes is kept under their hash, perhaps for months: it must be theirs.
    if (*count != source.size || sha256(bytes) != source.content) return fail(ErrorKind::NotFound, source.path + ": has changed");
    return bytes;
}

void Indexed::changed(const std::string& path, Happening happening) {
    SourcePtr before = entries_.forget(path);
    switch (happening) {
        case Happening::Begun:
            works_.begun(path);
            overtaken_.add(before, now());
            break;
        case Happening::Finished:
            works_.finished(path);
            break;
        case Happening::Gone:
            works_.forget(path);
            break;
        case Happening::Other:
            break;
    }
    if (const auto base = base_of_sidecar(path)) entries_.forget(*base);
    for (const auto& row : transforms::kCodings) entries_.forget(path + std::string(row.extension));
    for (const std::string& other : votes_.changed(path)) entries_.doubt(other);
    count_change();
}

void Indexed::forget(const std::string& path) {
    if (path.ends_with('/')) return changed_below(path);
    overtaken_.forget(path);
    // Who purges a file that a deploy has removed wants it gone. Who purges a folder, or all there is, may be about to deploy.
    if (surroundings_.ledger) surroundings_.ledger->forget(path);
    changed(path, Happening::Other);
}

void Indexed::changed_below(const std::string& folder) {
    works_.forget_below(folder);
    entries_.forget_below(folder);
    votes_.changed_below(folder);
    count_change();
}

void Indexed::changed_anything() {
    works_.forget_everything();
    log_.warn("catalogue", "{}: more changes at once than the kernel could tell; looking at everything again", folder()->root());
    entries_.forget_everything();
    votes_.changed_everywhere();
    count_change();
}

FolderCatalogue::Stats Indexed::stats() const {
    return {.entries = entries_.size(),
            .bytes = memory_used_->load(std::memory_order_relaxed),
            .watches = watches_.count(),
            .hashed = hashed_.load(std::memory_order_relaxed),
            .demoted = names_.demoted(),
            .evicted = entries_.evicted(),
            .removed = removed_.load(std::memory_order_relaxed),
            .half_as_before = half_as_before_.load(std::memory_order_relaxed),
            .half_not_found = half_not_found_.load(std::memory_order_relaxed),
            .overflows = watches_.overflows()};
}

Result<std::shared_ptr<FolderCatalogue>> open_catalogue(std::string root, const Options& options, Log& log,
                                                        Surroundings surroundings) {
    auto folder =
        TRY(Folder::open(std::move(root), {.follow_symlinks = options.follow_symlinks, .use_openat2 = surroundings.use_openat2}));
    return std::make_shared<Indexed>(std::move(folder), options, log, std::move(surroundings));
}

}  // namespace selvage::catalogue
