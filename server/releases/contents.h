#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/file_descriptor.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "server/http/message.h"
#include "server/origins/folder.h"
#include "server/origins/folder_file.h"

// Copies of files, named by their content.
//
//   CACHE/contents/XX/HASH     HASH: 64 hexadecimal digits of the content's SHA-256, XX the first two of them
//   CACHE/contents/XX/.PID-N   a copy being made; renamed when it is complete, removed after an hour when it never was
//
// Nothing in a file but the content. Several processes may use a folder at a time (a server and its successor): what one of them
// removes the other finds missing.
namespace selvage::releases {

// One per cache folder, shared by all roots. Thread-safe. A folder that cannot be used, or a full disk, is logged once; then
// nothing is kept, and all else works.
class Contents {
public:
    // Lists what is there. Blocks.
    Contents(const std::string& cache_folder, std::uint64_t most_bytes, Log& log);
    Contents(const Contents&) = delete;
    Contents& operator=(const Contents&) = delete;

    void set_most(std::uint64_t bytes);
    std::uint64_t largest() const;  // file that may be kept

    enum class Keeping : std::uint8_t {
        Kept,     // now, or already
        NoRoom,   // it would go beyond what may be kept, all of which is wanted more
        Failed,   // a full disk
        Changed,  // the file is no longer this content
    };
    // Copies a file; `descriptor` is open for reading, `size` and `content` are those of the version that it has, believed.
    // Blocks.
    Keeping keep(const Sha256& content, int descriptor, std::uint64_t size, WallTime now);

    // Memory only.
    bool kept(const Sha256& content) const;

    // Blocks. What comes back has this hash, which is looked at once per version of the file: one that has another is removed,
    // and counted. Errors: NotFound.
    Result<BlobPtr> read(const Sha256& content);
    Result<void> append(const Sha256& content, std::string& room);  // the same, behind what is there, which stays
    // The file, open for reading, with its content verified (once per version of it). Absent: not kept. Blocks.
    origins::Found look(const Sha256& content);
    // For sending it; null: not kept. Blocks.
    http::OpenFilePtr open(const Sha256& content);

    // A content stays while somebody holds it. The last one who lets go removes it. Contents that nobody holds (of another
    // process's root, or of a configuration of the past) make room like those that are gone.
    void hold(const Sha256& content);
    void let_go(const Sha256& content);
    // The same, but it stays where it is: its root is no longer open.
    void leave(const Sha256& content);
    // Since when no root has the file any more: those that have been gone for longest make room first, once they have been gone
    // for an hour. Nothing: a root has it. Only for what is held.
    void set_gone(const Sha256& content, std::optional<WallTime> since);

    // Removes what nobody has held for 30 days. Once all roots are open.
    void forget_unheld(WallTime now);

    struct Stats {
        std::uint64_t files = 0, bytes = 0;
        std::uint64_t evicted = 0;  // to make room
        std::uint64_t broken = 0;   // had another content than their name says
        std::uint64_t no_room = 0;  // times that a file was not kept
    };
    Stats stats() const;

private:
    static constexpr std::int64_t kPresent = INT64_MAX;
    struct Copy {
        std::uint64_t bytes = 0;  // on the disk; 0: not there, only held
        unsigned holders = 0;
        std::int64_t gone = kPresent;  // seconds since 1970; of one that nobody holds: when it was last changed
        std::optional<origins::FileVersion> verified;
    };
    using Table = std::unordered_map<Sha256, Copy>;

    void list();
    static bool was_last_holder(Copy& copy);
    // With mutex_ held:
    bool make_room(std::uint64_t bytes, WallTime now, std::vector<Sha256>& removed);
    Sha256 evict();
    void rank(const Sha256& content, Copy& copy, std::int64_t gone);
    void take_out(const Sha256& content, Copy& copy);

    bool is_verified(const Sha256& content, const origins::FileVersion& version) const;
    void set_verified(const Sha256& content, const origins::FileVersion& version);
    void drop(const Sha256& content);
    void remove_broken(const Sha256& content);
    void remove_files(const std::vector<Sha256>& contents) const;
    bool copy_to(const std::string& name, int from, std::uint64_t size);
    void complain(std::string_view what, int error);

    Log& log_;
    std::string path_;
    FileDescriptor folder_;                          // none: not usable
    std::shared_ptr<const origins::Folder> origin_;  // the same
    std::shared_ptr<origins::OpenFiles> open_files_;
    std::atomic<bool> complained_{false};
    std::atomic<std::uint64_t> copies_{0};

    mutable std::mutex mutex_;
    std::uint64_t most_;
    std::uint64_t bytes_ = 0;
    Table table_;
    std::set<std::pair<std::int64_t, Sha256>> leaving_;  // those that are there and not in a root, by since when
    Stats counts_;
};

}  // namespace selvage::releases
