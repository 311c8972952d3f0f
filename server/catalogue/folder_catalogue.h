#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "server/catalogue/catalogue.h"
#include "server/releases/ledger.h"

namespace selvage::catalogue {

// What a site's rules say of how long a path is sent as fresh.
enum class Lifetime : std::uint8_t {
    Short,   // nothing of it is to be kept
    ByName,  // what its name says
    Page,    // the same; and it is a page that may be, or help to make, a dictionary for others
    Long,    // a day or more, whatever its name
};

// A file as a walk over the folder finds it.
struct Measured {
    Sha256 content;
    WallTime modified;
    bool fingerprinted = false;
    bool compressible = false;
    origins::Found file;  // open for reading
};
enum class NotMeasured : std::uint8_t { NoMatter, BeingWritten };

// A catalogue of a folder, kept current by inotify, and by looking again after half a second where that cannot be had.
class FolderCatalogue : public Catalogue {
public:
    // The inotify descriptor: poll it for reading on one loop and call on_watch_readable. -1 when nothing is watched (no inotify
    // to be had): entries then expire by themselves. Valid as long as the catalogue lives.
    virtual int watch_descriptor() const = 0;

    // Reads what is there without blocking and forgets what changed. Thread-safe. Call it again when the descriptor is still
    // readable.
    virtual void on_watch_readable() = 0;

    // Looks whether the root's path names another folder by now. Blocks a little. Returns the folder that is served.
    virtual std::shared_ptr<const origins::Folder> follow_root() = 0;

    // The facts of a file that is sent as fresh for long, or is a page that matters; each version is read and hashed once.
    // Blocks. NoMatter: no such file, neither of them, or larger than what is kept.
    virtual std::expected<Measured, NotMeasured> measure(const std::string& path, Lifetime lifetime) = 0;

    struct Stats {
        std::uint64_t entries = 0;  // remembered, absence included
        std::uint64_t bytes = 0;    // contents kept in memory by living sources
        std::uint64_t watches = 0;  // directories
        std::uint64_t hashed = 0;   // contents read and hashed since the start
        std::uint64_t demoted = 0;  // fingerprinted names that changed their content
        std::uint64_t evicted = 0;
        std::uint64_t removed = 0;                             // looks that found a copy of what the folder no longer has
        std::uint64_t half_as_before = 0, half_not_found = 0;  // looks that met a file being written
        std::uint64_t overflows = 0;                           // times that the kernel lost events and everything was forgotten
    };
    virtual Stats stats() const = 0;
};

// Where time comes from and what may be used; the defaults are the product, tests pass others.
struct Surroundings {
    std::function<SteadyTime()> steady;     // empty: std::chrono::steady_clock
    std::function<std::int64_t()> wall_ns;  // empty: the system clock, nanoseconds since 1970
    bool watch = true;                      // false: as if inotify were not there
    bool use_openat2 = true;
    std::size_t open_files = 0;                // 0: OpenFiles::sensible_bound()
    std::shared_ptr<releases::Ledger> ledger;  // what the root had in its releases; null: nothing is known of them
};

// Opens the folder `root`; nothing is read before it is asked for. `log` must outlive the catalogue.
// Errors: NotFound (no such directory), Internal.
Result<std::shared_ptr<FolderCatalogue>> open_catalogue(std::string root, const Options& options, Log& log,
                                                        Surroundings surroundings = {});

}  // namespace selvage::catalogue
