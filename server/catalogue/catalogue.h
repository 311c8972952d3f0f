#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/time.h"
#include "server/http/message.h"
#include "transforms/encodings/encodings.h"
#include "transforms/probe.h"

namespace selvage::releases {
class History;
}

namespace selvage::catalogue {

// A sidecar found beside a file: already coded bytes (static-delivery §4).
struct Sidecar {
    transforms::Coding coding;
    http::OpenFilePtr file;
    BlobPtr bytes;  // small ones
    std::uint64_t size = 0;
    bool verified = false;  // decodes to the file it stands beside; unverified ones are not used
};

struct Predecessor;
using PredecessorPtr = std::shared_ptr<const Predecessor>;

// One version of a file: what the origin has, named by its content. Deeply const, shared by all loops.
struct Source {
    std::string path;          // normalised URL path within the site ("/index.html")
    std::uint64_t serial = 0;  // unique in the process: a changed file is a Source with another serial
    Sha256 content;
    std::string etag;  // 16 characters, without quotes
    std::uint64_t size = 0;
    WallTime modified;
    std::string last_modified;               // http_date(modified)
    std::string_view media_type;             // of the extension (media_types.h)
    bool compressible = false;               // by type, or by sampling for unknown types
    bool fingerprinted = false;              // by name (fingerprint.h) and its folder's vote, not demoted
    std::optional<transforms::Probe> image;  // set when the content is an image we can name
    BlobPtr bytes;                           // files up to limits.memory_file
    http::OpenFilePtr file;                  // always: larger files are sent from it
    std::vector<Sidecar> sidecars;
    PredecessorPtr predecessor;  // of an image: what was under this path before, as far as it is known (predecessors.h)
};
using SourcePtr = std::shared_ptr<const Source>;

// For Source::serial.
inline std::uint64_t next_serial() {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// An image that a path had before it changed: for what was made of it (RFC 5861).
struct Predecessor {
    SourcePtr source;  // its facts alone: neither bytes nor file, which are gone
    SteadyTime replaced;
};

struct Directory {};             // the path names a folder; a request without the final slash is redirected
struct Absent {                  // nothing there (or nothing we may show)
    bool fingerprinted = false;  // by the path; it may be on its way (a deploy)
    bool being_written = false;  // there is something, but it is not complete yet
};
using Entry = std::variant<SourcePtr, Directory, Absent>;

// An entry, and when it must be asked for again: the file may have changed by then without anybody having told.
struct Finding {
    Entry entry;
    SteadyTime until;
};

// What exists under one root: path → entry, kept current. One per root folder, shared by all loops and by successive
// configurations.
class Catalogue {
public:
    virtual ~Catalogue() = default;

    // Thread-safe, memory only, never blocks on the disk; `now` may be some milliseconds old. Nothing: unknown or in need of a
    // fresh look; then call resolve(). For a path that ends in '/', the entry is that of its index.html (Absent when there is
    // none).
    virtual std::optional<Finding> find(std::string_view path, SteadyTime now) = 0;

    // How often a change has become known. While this is what it was before a find(), and its `until` lies ahead, what it found
    // still holds: another find() would say the same.
    std::uint64_t changes() const { return changes_.load(std::memory_order_acquire); }

    // Blocks (open, read, hash): on the work pool. Remembers what it finds, absence included, as long as the folder is watched.
    // Errors: Forbidden never (what may not be shown is Absent); Internal for a failing disk.
    virtual Result<Entry> resolve(const std::string& path) = 0;

    // What is remembered of the path is not believed any more, nor of anything below it when it ends in '/': the next find()
    // wants a fresh look. For a purge, whose author may know of a change that nobody could tell us. Thread-safe; memory only.
    virtual void forget(const std::string& path) = 0;

    // The source's whole content, for making representations. Blocks. Errors: NotFound when the file is no longer this version.
    virtual Result<std::string> read(const Source& source) = 0;

    // What this root had in its releases. Null: nothing is remembered of them. The same object always.
    virtual std::shared_ptr<releases::History> history() const { return nullptr; }

protected:
    // After find() has ceased to return what is no longer true, never before: a find() between the two would be believed for
    // ever.
    void count_change() { changes_.fetch_add(1, std::memory_order_release); }

private:
    // Read for each request, on every core: alone on its cache line.
    alignas(64) std::atomic<std::uint64_t> changes_{0};
    [[maybe_unused]] char padding_[64 - sizeof(std::atomic<std::uint64_t>)];
};

struct Options {
    std::uint64_t memory_file = 1 << 20;    // files up to this many bytes keep their content in memory …
    std::uint64_t memory_bytes = 64 << 20;  // … while all of them together stay below this
    unsigned entries = 200'000;             // remembered at most
    bool follow_symlinks = false;
};

}  // namespace selvage::catalogue
