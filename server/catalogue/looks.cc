#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "server/catalogue/indexed.h"

namespace selvage::catalogue {
namespace {

using http::Compressible;
using http::MediaClass;
using origins::Folder;
using origins::Found;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// "A change is seen within a second": half of it for waiting, half for looking.
constexpr milliseconds kUnwatchedLife{500};
// How long what stands in for a file that is being written is sent without another look: who writes may be done by then.
constexpr milliseconds kHalfLife{200};
constexpr std::chrono::minutes kKeptLife{10};

// A source with the memory it keeps: both end together.
struct Kept {
    Source source;
    std::vector<MemoryShare> shares;
};

// The same with another standing.
struct Raised {
    Source source;
    SourcePtr before;  // keeps the memory
};

WallTime whole_seconds(std::int64_t ns) { return WallTime{std::chrono::floor<std::chrono::seconds>(nanoseconds{ns})}; }

bool is_compressible(const Sighting& sighting, const ContentFacts& facts) {
    return sighting.type->compressible == Compressible::Yes || facts.saves_by_coding;
}

}  // namespace

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

    const Standing standing = votes_.judge(*sighting.folder, key, expires == SteadyTime::max(), now());
    sighting.fingerprinted = standing.fingerprinted;

    switch (sighting.found.kind) {
        case Found::Kind::Absent:
            if (auto removed = removed_file(sighting, before, expires)) return *std::move(removed);
            predecessors_.forget(key);
            return Remembered{.entry = Absent{.fingerprinted = standing.fingerprinted},
                              .evidence = {},
                              .settled = true,
                              .expires = std::min(expires, standing.until)};
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
    const SteadyTime until = std::min(sighting.sidecars.through_link ? std::min(expires, soon) : expires, standing.until);
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
        return Remembered{
            .entry = raised(*source, sighting), .evidence = std::move(evidence), .settled = true, .expires = expires};
    }
    if (is_in_the_making(sighting)) return stand_in(sighting, before);
    const std::uint64_t size = sighting.found.version.size;
    MemoryShare share = share_for(size);
    auto content = facts_of(sighting, size == 0 || share.bytes() != 0);
    if (content) sighting.found.version = content->version;
    const bool never_still = !content && content.error().kind == ErrorKind::Overloaded;
    // Again: somebody may have begun while it was read.
    if (never_still || is_in_the_making(sighting)) return stand_in(sighting, before);
    if (!content) return std::unexpected(std::move(content).error());
    overtaken_.forget(sighting.path);
    Remembered taken = take_in(std::move(sighting), *std::move(content), std::move(share), same ? *source : nullptr, expires);
    taken.evidence = std::move(evidence);
    return taken;
}

MemoryShare Indexed::share_for(std::uint64_t size) {
    return size <= options_.memory_file ? MemoryShare::take(memory_used_, size, options_.memory_bytes) : MemoryShare{};
}

// Makes a source of it, or finds that it is `before` still.
Remembered Indexed::take_in(Sighting sighting, Content content, MemoryShare share, const SourcePtr& before, SteadyTime expires) {
    Remembered remembered{.entry = before, .evidence = {}, .settled = content.settled, .expires = expires};
    if (!content.settled) {
        // Looked at again as soon as the clock has moved on from it.
        const auto age = wall_ns() - content.version.changed_ns;
        const auto wait = std::clamp<std::int64_t>(kSettlingNs - age, 0, kSettlingNs) + 10'000'000;
        remembered.expires = std::min(expires, now() + std::chrono::duration_cast<SteadyTime::duration>(nanoseconds{wait}));
    }
    if (before != nullptr && before->content == content.facts.hash) {
        remembered.entry = raised(before, sighting);
        return remembered;
    }
    remembered.entry = make_source(std::move(sighting), std::move(content), std::move(share));
    return remembered;
}

// What the folder does not have any more and was sent as fresh for long: old pages ask for it.
std::optional<Remembered> Indexed::removed_file(const Sighting& sighting, const std::optional<Remembered>& before,
                                                SteadyTime expires) {
    if (!surroundings_.ledger) return std::nullopt;
    const auto seen = surroundings_.ledger->removed(sighting.path);
    const auto record = seen ? surroundings_.ledger->latest(sighting.path) : std::nullopt;
    if (!record) return std::nullopt;
    SourcePtr source = kept_source(sighting, *record, before);
    if (!source) return std::nullopt;
    removed_.fetch_add(1, std::memory_order_relaxed);
    const auto left = std::chrono::ceil<std::chrono::seconds>(nanoseconds{wall_ns()}) - seen->until.time_since_epoch();
    const auto life = std::clamp<nanoseconds>(-left, milliseconds{1}, kKeptLife);
    return Remembered{.entry = std::move(source), .evidence = {}, .kept = true, .expires = std::min(expires, now() + life)};
}

// A file that is being written is what it was before, as far as that is known, else nothing yet.
Remembered Indexed::stand_in(const Sighting& sighting, const std::optional<Remembered>& before) {
    Remembered remembered{.entry = Absent{.being_written = true}, .evidence = {}, .expires = now() + kHalfLife};
    const SourcePtr* source = before ? std::get_if<SourcePtr>(&before->entry) : nullptr;
    if (source != nullptr && (*source)->bytes) {
        remembered.entry = *source;
    } else if (auto overtaken = overtaken_.find(sighting.path, now())) {
        remembered.entry = std::move(overtaken);
    } else if (const auto record = surroundings_.ledger ? surroundings_.ledger->latest(sighting.path) : std::nullopt) {
        if (auto kept = kept_source(sighting, *record, before)) remembered.entry = std::move(kept);
        remembered.kept = true;
    }
    auto& count = std::holds_alternative<Absent>(remembered.entry) ? half_not_found_ : half_as_before_;
    count.fetch_add(1, std::memory_order_relaxed);
    return remembered;
}

SourcePtr Indexed::kept_source(const Sighting& sighting, const releases::Record& record,
                               const std::optional<Remembered>& before) {
    const SourcePtr* source = before && before->kept ? std::get_if<SourcePtr>(&before->entry) : nullptr;
    if (source != nullptr && (*source)->content == record.content) return *source;
    Sighting kept{.path = sighting.path,
                  .folder = sighting.folder,
                  .found = surroundings_.ledger->contents().look(record.content),
                  .sidecars = {},
                  .type = sighting.type,
                  .fingerprinted = record.fingerprinted,
                  .kept = record};
    if (kept.found.kind != Found::Kind::File) return nullptr;
    const std::uint64_t size = kept.found.version.size;
    MemoryShare share = share_for(size);
    auto content = facts_of(kept, size == 0 || share.bytes() != 0);
    if (!content || content->facts.hash != record.content) return nullptr;
    return make_source(std::move(kept), *std::move(content), std::move(share));
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

bool Indexed::judge_name(const Sighting& sighting, const Sha256& content) {
    if (!sighting.fingerprinted) return false;
    switch (names_.judge(sighting.path, content)) {
        case NameHistory::Verdict::Trusted:
            return true;
        case NameHistory::Verdict::JustDemoted:
            log_.warn("catalogue", "{} looks fingerprinted, but its content changed: it is revalidated from now on",
                      sighting.path);
            return false;
        case NameHistory::Verdict::Demoted:
            return false;
    }
    return false;
}

// A file whose folder has come to vouch for its name is another source, though nothing of it changed. The other way does not
// happen: what was sent as immutable stays so.
SourcePtr Indexed::raised(const SourcePtr& before, const Sighting& sighting) {
    if (before->fingerprinted || !judge_name(sighting, before->content)) return before;
    const auto raised = std::make_shared<Raised>(Raised{.source = *before, .before = before});
    raised->source.serial = next_serial();
    raised->source.fingerprinted = true;
    return SourcePtr(raised, &raised->source);
}

// Never later than the Date of a response: RFC 9110 §8.8.2.1.
WallTime Indexed::modified_of(const origins::FileVersion& version) const {
    return whole_seconds(std::min(version.modified_ns, wall_ns()));
}

SourcePtr Indexed::make_source(Sighting sighting, Content content, MemoryShare share) {
    const auto kept = std::make_shared<Kept>();
    Source& source = kept->source;
    source.path = sighting.path;
    source.serial = next_serial();
    source.content = content.facts.hash;
    source.etag = etag_text(content.facts.hash);
    source.size = content.version.size;
    source.modified = sighting.kept ? sighting.kept->modified : modified_of(content.version);
    source.last_modified = http_date(source.modified);
    source.media_type = sighting.type->type;
    source.compressible = is_compressible(sighting, content.facts);
    source.fingerprinted = judge_name(sighting, content.facts.hash);
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
    source.file = sighting.kept ? surroundings_.ledger->open(source.content)
                                : origins::open_folder_file(sighting.folder, sighting.path, std::move(sighting.found),
                                                            source.content, open_files_);
    source.predecessor = predecessors_.succeed(source, now());
    kept->shares.push_back(std::move(share));
    return SourcePtr(kept, &kept->source);
}

std::expected<Measured, NotMeasured> Indexed::measure(const std::string& path, Lifetime lifetime) {
    const auto no_matter = std::unexpected(NotMeasured::NoMatter);
    Sighting sighting{.path = path, .folder = folder(), .found = {}, .sidecars = {}, .type = &http::media_type_of(path)};
    auto found = sighting.folder->look(path);
    if (!found || found->kind != Found::Kind::File || is_sidecar(*sighting.folder, path)) return no_matter;
    sighting.found = *std::move(found);
    if (surroundings_.ledger && sighting.found.version.size > surroundings_.ledger->largest()) return no_matter;
    sighting.fingerprinted = votes_.judge(*sighting.folder, path, false, now()).fingerprinted;
    const bool matters = lifetime == Lifetime::Page || lifetime == Lifetime::Long;
    if (!sighting.fingerprinted && !matters) return no_matter;
    if (is_being_written(sighting.found, path, works_, wall_ns())) return std::unexpected(NotMeasured::BeingWritten);
    const auto content = facts_of(sighting, false);
    if (!content || is_being_written(sighting.found, path, works_, wall_ns())) return std::unexpected(NotMeasured::BeingWritten);
    sighting.found.version = content->version;
    const bool fingerprinted = judge_name(sighting, content->facts.hash);
    if (!fingerprinted && !matters) return no_matter;
    return Measured{.content = content->facts.hash,
                    .modified = modified_of(content->version),
                    .fingerprinted = fingerprinted,
                    .compressible = is_compressible(sighting, content->facts),
                    .file = std::move(sighting.found)};
}

}  // namespace selvage::catalogue
