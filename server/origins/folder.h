#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/result.h"

namespace selvage::origins {

// What the file system says about one version of a file. Equal: the same bytes, except for a change within one tick of the
// kernel's clock (see settled_at).
struct FileVersion {
    dev_t device = 0;
    ino_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;  // since 1970
    std::int64_t changed_ns = 0;   // ctime: no program can set it
    std::uint64_t links = 0;
    friend bool operator==(const FileVersion&, const FileVersion&) = default;
};
Result<FileVersion> version_of(int descriptor);

// What a path names.
struct Found {
    enum class Kind : std::uint8_t { Absent, Directory, File };
    Kind kind = Kind::Absent;
    bool through_link = false;  // a symbolic link was followed: watching its directory is not enough
    FileVersion version{};      // of a file or directory
    FileDescriptor descriptor;  // File: open for reading. Directory: O_PATH
};

struct FolderOptions {
    bool follow_symlinks = false;  // also links that lead out of the root
    bool use_openat2 = true;       // false: as on a kernel or in a sandbox without it (for tests)
};

// A folder whose files are served. Every path is opened beneath its root, whatever links there are. Thread-safe, deeply const.
class Folder {
public:
    // Errors: NotFound (no such directory), Internal.
    static Result<std::shared_ptr<const Folder>> open(std::string root, FolderOptions options);
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    const std::string& root() const { return root_; }
    int descriptor() const { return descriptor_.number(); }

    // Does the root's path still name the folder that was opened? True also while it names nothing (between two renames).
    bool still_current() const;

    // Blocks. `path` is a normalised URL path; a final '/' asks for the directory. Absent: nothing there, no permission, a link
    // that leads out, a segment that begins with '.' (but "/.well-known/…"), an empty segment, a "%2F", neither file nor
    // directory. Errors: Overloaded (no descriptors left), Internal (the disk fails).
    Result<Found> look(std::string_view path) const;

private:
    // An opened descriptor, or the errno of the attempt.
    using Opened = std::expected<FileDescriptor, int>;

    Folder(std::string root, FolderOptions options, FileDescriptor descriptor, FileVersion version);
    Opened open_beneath(const std::string& relative, int flags, bool& through_link) const;
    Opened open_by_walking(const std::string& relative, int flags, bool& through_link) const;

    std::string root_;
    FolderOptions options_;
    FileDescriptor descriptor_;
    FileVersion version_;
    mutable std::atomic<bool> openat2_works_;  // false once the kernel or a sandbox refused it
};

// May this path be shown at all, by its spelling? The rules of look() that need no file system.
bool may_be_served(std::string_view path);

}  // namespace selvage::origins
