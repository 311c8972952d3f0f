#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "server/http/fingerprint.h"
#include "server/origins/folder.h"

namespace selvage::catalogue {

// What the names in one folder look like.
struct FolderNames {
    struct Row {
        http::TailShape shape;
        std::uint32_t names = 0;
        std::uint32_t random = 0;  // of these: what nobody would write
    };
    std::vector<Row> rows;    // one per shape that occurs
    std::uint32_t files = 0;  // that could have a hash in their name: no pages, no sidecars, nothing hidden
    bool sampled = false;     // there are more
};

// Lists at most `most` names of a folder ("/assets/") in the order of the file system, without looking at the files. Nothing: it
// cannot be listed. Blocks: 1.6 ms for 4,096 names.
std::optional<FolderNames> read_names(const origins::Folder& folder, const std::string& directory, std::size_t most);

// How a folder votes on a shape (static-delivery §2).
struct Vote {
    bool passed = false;
    bool kept = false;      // passed because it had passed before
    bool unlikely = false;  // the others agree, but this name is none of theirs
    http::TailShape shape;
    std::uint32_t files = 0, same = 0, random = 0;  // counted in the folder; of this shape; of these, random ones
    bool sampled = false;
};

// Passed: at least 6 files and 60 % of all have the shape, or one that could have come out as it; and at least half of these
// look random, for six photographs that are named after their days must not vouch for each other. Or, from three files on: all
// of them have it, and all but one look random. A shape that `held` before needs half of what six files need: a name that was
// sent as immutable does not waver because a few other files come or go. `hash`: of the name that is asked about; one that the
// others' shape hardly gives (is_unlikely) has no part in it.
Vote vote_on(const FolderNames& names, const http::TailShape& shape, std::string_view hash, bool held);

// "31 of 34 files in its folder have such a name" and the like: why a vote was passed or not.
std::string to_string(const Vote& vote);

// What a path's name is worth with its folder's vote.
struct Standing {
    http::Fingerprint fingerprint;
    std::optional<Vote> vote;  // of a Possible one; none for what is a word or a date whatever stands around it
    bool fingerprinted = false;
    SteadyTime until = SteadyTime::max();  // when to ask again
};

// Which folders vouch for the shape of a name. A folder is listed when one of its Possible names is asked about, and remembered
// until it is said to have changed, or for half a second where nobody would say so. One that changes all the time is listed twice
// a second. Bounded; thread-safe.
class FolderVotes {
public:
    // `most_folders`: remembered at most.
    explicit FolderVotes(std::size_t most_folders) : most_(most_folders) {}

    // Blocks when the folder must be listed. `watched`: changed() will be called for what happens to `path` from now on.
    Standing judge(const origins::Folder& folder, std::string_view path, bool watched, SteadyTime now);

    // A name in the folder of `path` came or went. Returns the paths in it whose vote had failed: they are to be asked about
    // again.
    std::vector<std::string> changed(std::string_view path);
    void changed_below(std::string_view directory);  // with its final slash
    void changed_everywhere() { changed_below("/"); }

    std::uint64_t listed() const;  // folders, since the start

private:
    struct Remembered {
        std::optional<FolderNames> names;
        bool current = false;       // nothing has changed since they were read
        std::uint64_t changes = 0;  // told while they may have been read
        SteadyTime read{};          // when
        std::vector<http::TailShape> held;
        std::vector<std::string> denied;
    };
    using Folders = std::map<std::string, Remembered, std::less<>>;

    Remembered& of(const std::string& directory);  // mutex_ held
    static void decide(Remembered& known, std::string_view path, Standing& standing);
    bool refresh(const origins::Folder& folder, const std::string& directory, bool watched, SteadyTime now);

    const std::size_t most_;
    mutable std::mutex mutex_;
    Folders folders_;
    std::uint64_t listed_ = 0;
};

}  // namespace selvage::catalogue
