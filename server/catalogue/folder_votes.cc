#include "server/catalogue/folder_votes.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "server/catalogue/sidecars.h"

namespace selvage::catalogue {
namespace {

using http::Fingerprint;
using http::TailShape;
using std::chrono::milliseconds;

constexpr std::uint32_t kFewestFiles = 6;
constexpr std::uint32_t kShare = 60;        // % of the files
constexpr std::uint32_t kRandomShare = 50;  // % of these; of real hashes 97 to 99 % look random by themselves
constexpr std::uint32_t kFewestOfOneMind = 3;

// Names that are counted in a folder: enough for any share, and read in 1.6 ms; 100,000 take 34.
constexpr std::size_t kMostNames = 4096;
constexpr milliseconds kReadAgain{500};
// Names of a folder that are asked about again as soon as it changes; what is beyond waits for kDeniedLife.
constexpr std::size_t kMostDenied = 64;
constexpr milliseconds kDeniedLife{2000};

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};
using OpenDirectory = std::unique_ptr<DIR, CloseDirectory>;

OpenDirectory open_directory(const origins::Folder& folder, const std::string& directory) {
    const auto found = folder.look(directory);
    if (!found || found->kind != origins::Found::Kind::Directory) return nullptr;
    FileDescriptor readable(::openat(found->descriptor.number(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!readable) return nullptr;
    OpenDirectory opened(::fdopendir(readable.number()));
    if (opened) static_cast<void>(readable.release());
    return opened;
}

bool is_page(std::string_view name) { return name.ends_with(".html") || name.ends_with(".htm") || name.ends_with(".xhtml"); }

void count(FolderNames& names, std::string_view name) {
    ++names.files;
    const Fingerprint found = http::fingerprint_of(name);
    // A word or a date has no vote, whatever its shape.
    if (found.shape.length == 0 || http::is_unlikely(found.hash.of(name), found.shape.alphabet)) return;
    auto row = std::ranges::find(names.rows, found.shape, &FolderNames::Row::shape);
    if (row == names.rows.end()) row = names.rows.insert(row, FolderNames::Row{found.shape, 0, 0});
    ++row->names;
    if (found.random) ++row->random;
}

// No vote would help it: most names of this kind cost no look at their folder.
bool is_written(const Fingerprint& found, std::string_view path) {
    const std::string_view hash = found.hash.of(path);
    return http::is_unlikely(hash, found.shape.alphabet) && http::is_unlikely(hash, http::Alphabet::Base64url);
}

// Of all that is `shape`, or could have come out as it.
Vote counted(const FolderNames& names, const TailShape& shape) {
    Vote vote;
    vote.shape = shape;
    vote.files = names.files;
    vote.sampled = names.sampled;
    for (const FolderNames::Row& row : names.rows) {
        if (!shape.covers(row.shape)) continue;
        vote.same += row.names;
        vote.random += row.random;
    }
    return vote;
}

// Small builds have no six files: of three of Vite's one in five has a name that needs a vote.
bool of_one_mind(const Vote& vote) {
    return vote.same >= kFewestOfOneMind && vote.same == vote.files && vote.random + 1 >= vote.same;
}

bool passes(const Vote& vote, std::uint32_t fewest, std::uint32_t share, std::uint32_t random_share) {
    return vote.same >= fewest && vote.same * 100 >= vote.files * share && vote.random * 100 >= vote.same * random_share;
}

}  // namespace

std::optional<FolderNames> read_names(const origins::Folder& folder, const std::string& directory, std::size_t most) {
    const OpenDirectory opened = open_directory(folder, directory);
    if (!opened) return std::nullopt;
    FolderNames names;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (const dirent* entry = ::readdir(opened.get())) {
        const std::string_view name = entry->d_name;
        if (entry->d_type == DT_DIR || name.starts_with('.') || is_page(name) || base_of_sidecar(name)) continue;
        if (names.files == most) {
            names.sampled = true;
            break;
        }
        count(names, name);
    }
    return names;
}

Vote vote_on(const FolderNames& names, const TailShape& shape, std::string_view hash, bool held) {
    Vote best;
    for (const http::Alphabet alphabet : {shape.alphabet, http::Alphabet::Base36, http::Alphabet::Base64url}) {
        const TailShape wider{alphabet, shape.separator, shape.length};
        if (!wider.covers(shape)) continue;
        Vote vote = counted(names, wider);
        vote.passed = passes(vote, kFewestFiles, kShare, kRandomShare) || of_one_mind(vote);
        if (!vote.passed && held) vote.kept = vote.passed = passes(vote, kFewestFiles / 2, kShare / 2, kRandomShare / 2);
        vote.unlikely = http::is_unlikely(hash, alphabet);
        vote.passed &= !vote.unlikely;
        if (vote.passed > best.passed || vote.same > best.same) best = vote;
        if (best.passed) break;
    }
    if (best.same == 0) best = counted(names, shape);
    return best;
}

std::string to_string(const Vote& vote) {
    const std::string files = vote.sampled ? fmt::format("the first {} files", vote.files)
                                           : fmt::format("{} file{}", vote.files, vote.files == 1 ? "" : "s");
    std::string text = fmt::format("{} of {} in its folder {} {}", vote.same, files, vote.same == 1 ? "has" : "have",
                                   http::to_string(vote.shape));
    if (vote.passed) return vote.kept ? text + ", and more had" : text;
    if (vote.unlikely) return text + ", but this one hardly came out of the same tool";
    if (vote.same < kFewestFiles) {
        text += fmt::format(", fewer than {}", kFewestFiles);
        if (vote.same != vote.files) return text + ", and others do not";
        return vote.same < kFewestOfOneMind ? text : text + fmt::format(", and only {} of these look random", vote.random);
    }
    if (vote.same * 100 < vote.files * kShare) return text + fmt::format(", less than {} %", kShare);
    return text + fmt::format(", but only {} of these look random", vote.random);
}

Standing FolderVotes::judge(const origins::Folder& folder, std::string_view path, bool watched, SteadyTime now) {
    Standing standing;
    standing.fingerprint = http::fingerprint_of(path);
    standing.fingerprinted = standing.fingerprint.kind == Fingerprint::Certain;
    if (standing.fingerprint.kind != Fingerprint::Possible || is_written(standing.fingerprint, path)) return standing;

    const std::string directory(path.substr(0, path.rfind('/') + 1));
    const bool current = refresh(folder, directory, watched, now);
    const std::lock_guard lock(mutex_);
    const auto known = folders_.find(directory);
    standing.until = now + (current ? kDeniedLife : kReadAgain);
    if (known == folders_.end()) return standing;  // no such folder
    decide(known->second, path, standing);
    const bool room = known->second.denied.size() < kMostDenied && folders_.size() <= most_ / 2;
    if (current && !standing.fingerprinted && room) known->second.denied.emplace_back(path);
    if (standing.fingerprinted || (current && room)) standing.until = SteadyTime::max();
    return standing;
}

void FolderVotes::decide(Remembered& known, std::string_view path, Standing& standing) {
    const TailShape& shape = standing.fingerprint.shape;
    const bool held = std::ranges::any_of(known.held, [&shape](const TailShape& other) { return other.covers(shape); });
    standing.vote = vote_on(known.names.value_or(FolderNames{}), shape, standing.fingerprint.hash.of(path), held);
    standing.fingerprinted = standing.vote->passed;
    if (standing.fingerprinted && !held) known.held.push_back(standing.vote->shape);
}

// Is what is known of the folder still true, and will somebody tell when it is no longer?
bool FolderVotes::refresh(const origins::Folder& folder, const std::string& directory, bool watched, SteadyTime now) {
    std::uint64_t changes = 0;
    {
        const std::lock_guard lock(mutex_);
        Remembered& known = of(directory);
        if (known.names && known.current && watched) return true;
        if (known.names && now - known.read < kReadAgain) return false;
        changes = known.changes;
    }
    auto names = read_names(folder, directory, kMostNames);
    const std::lock_guard lock(mutex_);
    ++listed_;
    if (!names) {  // nothing there: anybody can ask for folders that are not
        folders_.erase(directory);
        return false;
    }
    Remembered& known = of(directory);
    known.names = std::move(names);
    known.read = now;
    known.current = watched && known.changes == changes;
    return known.current;
}

FolderVotes::Remembered& FolderVotes::of(const std::string& directory) {
    const auto known = folders_.find(directory);
    if (known != folders_.end()) return known->second;
    // What is in use is listed again. Those with somebody to tell stay: they are at most half of all.
    if (folders_.size() >= most_) std::erase_if(folders_, [](const auto& folder) { return folder.second.denied.empty(); });
    return folders_[directory];
}

std::vector<std::string> FolderVotes::changed(std::string_view path) {
    const std::lock_guard lock(mutex_);
    const auto known = folders_.find(path.substr(0, path.rfind('/') + 1));
    if (known == folders_.end()) return {};
    known->second.current = false;
    ++known->second.changes;
    return std::exchange(known->second.denied, {});
}

void FolderVotes::changed_below(std::string_view directory) {
    const std::lock_guard lock(mutex_);
    for (auto known = folders_.lower_bound(directory); known != folders_.end() && known->first.starts_with(directory); ++known) {
        known->second.current = false;
        ++known->second.changes;
        known->second.denied.clear();  // the catalogue forgets them as well
    }
}

std::uint64_t FolderVotes::listed() const {
    const std::lock_guard lock(mutex_);
    return listed_;
}

}  // namespace selvage::catalogue
