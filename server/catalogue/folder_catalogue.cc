#include "server/catalogue/folder_catalogue.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "server/catalogue/content.h"
#include "server/catalogue/directory_watches.h"
#include "server/catalogue/entry_table.h"
#include "server/catalogue/name_history.h"
#include "server/catalogue/predecessors.h"
#include "server/catalogue/sidecars.h"
#include "server/http/fingerprint.h"
#include "server/http/media_types.h"
#include "server/origins/folder.h"
#include "server/origins/folder_file.h"

namespace selvage::catalogue {
namespace {

using http::Compressible;
using http::MediaClass;
using origins::Folder;
using origins::Found;
using FolderPtr = std::shared_ptr<const Folder>;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// "A change is seen within a second": half of it for waiting, half for looking.
constexpr milliseconds kUnwatchedLife{500};
constexpr milliseconds kRootLife{500};
constexpr std::string_view kIndex = "index.html";
// Longer paths that lead nowhere are looked at each time: an absence must not cost kilobytes of memory.
constexpr std::size_t kLongestAbsence = 512;

// A source with the memory it keeps: both end together.
struct Kept {
    Source source;
    std::vector<MemoryShare> shares;
};

// What a look found, on its way to a Remembered.
struct Sighting {
    std::string path;
    FolderPtr folder;
    Found found;
    SidecarFiles sidecars;
    const http::MediaType* type = nullptr;
};

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

WallTime whole_seconds(std::int64_t ns) { return WallTime{std::chrono::floor<std::chrono::seconds>(nanoseconds{ns})}; }

class Indexed final : public FolderCatalogue, private DirectoryWatches::Listener {
public:
    Indexed(FolderPtr folder, const Options& options, Log& log, Surroundings surroundings)
        : options_(options),
          log_(log),
          surroundings_(std::move(surroundings)),
          folder_(std::move(folder)),
          entries_(options.entries),
          watches_(*this, log, surroundings_.watch),
          known_(options.entries),
          names_(4 * std::size_t{options.entries}),
          predecessors_(options.entries),
          open_files_(std::make_shared<origins::OpenFiles>(
              surroundings_.open_files != 0 ? surroundings_.open_files : origins::OpenFiles::sensible_bound())) {
        watches_.restart(folder_);
        root_checked_.store(now());
    }

    std::optional<Finding> find(std::string_view path, SteadyTime now) override;
    Result<Entry> resolve(const std::string& path) override;
    Result<std::string> read(const Source& source) override;
    void forget(const std::string& path) override { path.ends_with('/') ? changed_below(path) : changed(path); }
    int watch_descriptor() const override { return watches_.descriptor(); }
    void on_watch_readable() override { watches_.drain(); }
    Stats stats() const override;

private:
    void changed(const std::string& path) override;
    void changed_below(const std::string& folder) override;
    void changed_anything() override;

    SteadyTime now() const { return surroundings_.steady ? surroundings_.steady() : std::chrono::steady_clock::now(); }
    std::int64_t wall_ns() const;
    FolderPtr folder() const;
    bool root_check_is_due(SteadyTime time);
    void check_root();

    Result<Entry> resolve_key(const std::string& key);
    Result<Remembered> look_at(const std::string& key, const std::optional<Remembered>& before);
    Result<Remembered> look_at_file(Sighting sighting, const std::optional<Remembered>& before, SteadyTime expires);
    Result<Remembered> take_in(Sighting sighting, const SourcePtr& before, SteadyTime expires);
    Result<Content> facts_of(const Sighting& sighting, bool keep);
    bool is_sidecar(const Folder& folder, const std::string& key) const;
    bool judge_name(const std::string& path, const Sha256& content);
    SourcePtr make_source(Sighting sighting, Content content, MemoryShare share);

    const Options options_;
    Log& log_;
    const Surroundings surroundings_;

    mutable std::mutex folder_mutex_;
    FolderPtr folder_;                        // replaced when the root's path names another folder
    std::mutex root_mutex_;                   // one check at a time
    std::atomic<SteadyTime> root_checked_{};  // or claimed for a check
    std::atomic<bool> root_check_wanted_{false};

    EntryTable entries_;
    DirectoryWatches watches_;
    KnownContents known_;
    NameHistory names_;
    Predecessors predecessors_;
    std::shared_ptr<origins::OpenFiles> open_files_;
    MemoryShare::Used memory_used_ = std::make_shared<std::atomic<std::uint64_t>>(0);
    std::atomic<std::uint64_t> hashed_{0};
};

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
    count_change();
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

Result<Remembered> Indexed::look_at(const std::string& key, const std::optional<Remembered>& before) {
    Sighting sighting{.path = key, .folder = folder(), .found = {}, .sidecars = {}, .type = &http::media_type_of(key)};
    // Before anything is looked at: a change from here on wipes our mark in the table.
    const bool watched = watches_.cover(sighting.folder, key);
    const SteadyTime soon = now() + kUnwatchedLife;
    sighting.found = TRY(sighting.folder->look(key));
    // A file with a second name can be written through it, and a link can be turned elsewhere, without this folder's watch
    // noticing.
    const bool by_another_name = sighting.found.kind == Found::Kind::File && sighting.found.version.links > 1;
    const SteadyTime expires = watched && !sighting.found.through_link && !by_another_name ? SteadyTime::max() : soon;

    switch (sighting.found.kind) {
        case Found::Kind::Absent:
            predecessors_.forget(key);
            return Remembered{.entry = Absent{}, .evidence = {}, .settled = true, .expires = expires};
        case Found::Kind::Directory:
            predecessors_.forget(key);
            return Remembered{.entry = Directory{}, .evidence = {}, .settled = true, .expires = expires};
        case Found::Kind::File:
            break;
    }
    if (is_sidecar(*sighting.folder, key))
        return Remembered{.entry = Absent{}, .evidence = {}, .settled = true, .expires = expires};
    if (sighting.type->compressible != Compressible::No) {
        sighting.sidecars = find_sidecars(*sighting.folder, key, sighting.found.version);
    }
    const SteadyTime until = sighting.sidecars.through_link ? std::min(expires, soon) : expires;
    return look_at_file(std::move(sighting), before, until);
}

bool Indexed::is_sidecar(const Folder& folder, const std::string& key) const {
    const auto base = base_of_sidecar(key);
    // Beside a kind that is never coded ("x.tar" and "x.tar.gz") it is a file of its own.
    if (!base || http::media_type_of(*base).compressible == Compressible::No) return false;
    const auto found = folder.look(*base);
    return found && found->kind == Found::Kind::File;
}

Result<Remembered> Indexed::look_at_file(Sighting sighting, const std::optional<Remembered>& before, SteadyTime expires) {
    std::vector<origins::FileVersion> evidence{sighting.found.version};
    evidence.insert(evidence.end(), sighting.sidecars.evidence.begin(), sighting.sidecars.evidence.end());
    const SourcePtr* source = before ? std::get_if<SourcePtr>(&before->entry) : nullptr;
    const bool same = source != nullptr && before->evidence == evidence;
    if (same && before->settled) {
        return Remembered{.entry = *source, .evidence = std::move(evidence), .settled = true, .expires = expires};
    }
    auto taken = take_in(std::move(sighting), same ? *source : nullptr, expires);
    if (taken) taken->evidence = std::move(evidence);
    return taken;
}

// Reads the file and makes a source of it, or finds that it is `before` still.
Result<Remembered> Indexed::take_in(Sighting sighting, const SourcePtr& before, SteadyTime expires) {
    const std::uint64_t size = sighting.found.version.size;
    MemoryShare share;
    if (size <= options_.memory_file) share = MemoryShare::take(memory_used_, size, options_.memory_bytes);
    const bool keep = size == 0 || share.bytes() != 0;
    Content content = TRY(facts_of(sighting, keep));

    Remembered remembered{.entry = before, .evidence = {}, .settled = content.settled, .expires = expires};
    if (!content.settled) {
        // Looked at again as soon as the clock has moved on from it.
        const auto age = wall_ns() - content.version.changed_ns;
        const auto wait = std::clamp<std::int64_t>(kSettlingNs - age, 0, kSettlingNs) + 10'000'000;
        remembered.expires = std::min(expires, now() + std::chrono::duration_cast<SteadyTime::duration>(nanoseconds{wait}));
    }
    if (before != nullptr && before->content == content.facts.hash) return remembered;
    sighting.found.version = content.version;
    remembered.entry = make_source(std::move(sighting), std::move(content), std::move(share));
    return remembered;
}

Result<Content> Indexed::facts_of(const Sighting& sighting, bool keep) {
    const std::int64_t wall = wall_ns();
    if (!keep) {
        if (auto known = known_.find(sighting.found.version)) {
            return Content{.version = sighting.found.version, .facts = *std::move(known), .bytes = {}, .settled = true};
        }
    }
    const MediaClass media_class = sighting.type->media_class;
    const Curiosity curiosity{.keep = keep,
                              .probe = media_class == MediaClass::Image || media_class == MediaClass::Other,
                              .sample = sighting.type->compressible == Compressible::Sample};
    auto content = read_content(sighting.found.descriptor.number(), curiosity, wall);
    hashed_.fetch_add(1, std::memory_order_relaxed);
    if (content && content->settled) known_.add(content->version, content->facts);
    return content;
}

bool Indexed::judge_name(const std::string& path, const Sha256& content) {
    if (!http::is_fingerprinted(path)) return false;
    switch (names_.judge(path, content)) {
        case NameHistory::Verdict::Trusted:
            return true;
        case NameHistory::Verdict::JustDemoted:
            log_.warn("catalogue", "{} looks fingerprinted, but its content changed: it is revalidated from now on", path);
            return false;
        case NameHistory::Verdict::Demoted:
            return false;
    }
    return false;
}

SourcePtr Indexed::make_source(Sighting sighting, Content content, MemoryShare share) {
    const auto kept = std::make_shared<Kept>();
    Source& source = kept->source;
    source.path = sighting.path;
    source.serial = next_serial();
    source.content = content.facts.hash;
    source.etag = etag_text(content.facts.hash);
    source.size = content.version.size;
    // Never later than the Date of a response: RFC 9110 §8.8.2.1.
    source.modified = whole_seconds(std::min(content.version.modified_ns, wall_ns()));
    source.last_modified = http_date(source.modified);
    source.media_type = sighting.type->type;
    source.compressible = sighting.type->compressible == Compressible::Yes || content.facts.saves_by_coding;
    source.fingerprinted = judge_name(sighting.path, content.facts.hash);
    source.image = content.facts.image;
    source.bytes = std::move(content.bytes);
    const SidecarContext context{.folder = sighting.folder,
                                 .open_files = open_files_,
                                 .log = log_,
                                 .memory_file = options_.memory_file,
                                 .memory_bytes = options_.memory_bytes,
                                 .used = memory_used_,
                                 .wall_ns = wall_ns()};
    source.sidecars = verify_sidecars(std::move(sighting.sidecars.usable), source.content, source.size, context, kept->shares);
    // A content that is in memory needs no descriptor until somebody asks for its file.
    if (source.bytes) sighting.found.descriptor.reset();
    source.file =
        origins::open_folder_file(sighting.folder, sighting.path, std::move(sighting.found), source.content, open_files_);
    source.predecessor = predecessors_.succeed(source, now());
    kept->shares.push_back(std::move(share));
    return SourcePtr(kept, &kept->source);
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

void Indexed::changed(const std::string& path) {
    entries_.forget(path);
    if (const auto base = base_of_sidecar(path)) entries_.forget(*base);
    for (const auto& row : transforms::kCodings) entries_.forget(path + std::string(row.extension));
    count_change();
}

void Indexed::changed_below(const std::string& folder) {
    entries_.forget_below(folder);
    count_change();
}

void Indexed::changed_anything() {
    log_.warn("catalogue", "{}: more changes at once than the kernel could tell; looking at everything again", folder()->root());
    entries_.forget_everything();
    count_change();
}

FolderCatalogue::Stats Indexed::stats() const {
    return {.entries = entries_.size(),
            .bytes = memory_used_->load(std::memory_order_relaxed),
            .watches = watches_.count(),
            .hashed = hashed_.load(std::memory_order_relaxed),
            .demoted = names_.demoted(),
            .evicted = entries_.evicted(),
            .overflows = watches_.overflows()};
}

}  // namespace

Result<std::shared_ptr<FolderCatalogue>> open_catalogue(std::string root, const Options& options, Log& log,
                                                        Surroundings surroundings) {
    auto folder =
        TRY(Folder::open(std::move(root), {.follow_symlinks = options.follow_symlinks, .use_openat2 = surroundings.use_openat2}));
    return std::make_shared<Indexed>(std::move(folder), options, log, std::move(surroundings));
}

}  // namespace selvage::catalogue
