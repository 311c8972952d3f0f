#include "server/origins/folder_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <optional>
#include <utility>

namespace selvage::origins {

using http::OpenFile;

class FolderFile final : public OpenFile {
public:
    FolderFile(std::shared_ptr<const Folder> folder, std::string path, Found found, const Sha256& content,
               std::shared_ptr<OpenFiles> open_files)
        : folder_(std::move(folder)),
          path_(std::move(path)),
          version_(found.version),
          content_(content),
          open_files_(std::move(open_files)),
          accepted_changed_ns_(found.version.changed_ns) {
        if (found.descriptor) adopt(std::move(found.descriptor));
    }
    ~FolderFile() override { open_files_->gone(*this); }

    std::uint64_t size() const override { return version_.size; }
    std::variant<std::size_t, Failure> read_now(std::uint64_t offset, char* into, std::size_t size) const override;
    std::variant<std::size_t, Failure> read_blocking(std::uint64_t offset, char* into, std::size_t size) const override;

private:
    friend class OpenFiles;
    using Shared = std::shared_ptr<const FileDescriptor>;  // a reader keeps it while the clock closes the file

    enum class Standing : std::uint8_t { Same, Touched, Changed, Broken };
    Standing standing(const FileVersion& now) const;
    Standing standing_of(int descriptor) const;
    bool still_this_content(int descriptor) const;

    Shared held() const;
    Shared adopt(FileDescriptor descriptor) const;
    std::variant<Shared, Failure> reopen() const;
    std::size_t within(std::uint64_t offset, std::size_t size) const {
        return offset >= version_.size ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(size, version_.size - offset));
    }

    const std::shared_ptr<const Folder> folder_;
    const std::string path_;
    const FileVersion version_;
    const Sha256 content_;
    const std::shared_ptr<OpenFiles> open_files_;

    mutable std::mutex verifying_;
    mutable std::mutex mutex_;
    mutable Shared descriptor_;                              // guarded by mutex_
    mutable std::atomic<std::int64_t> accepted_changed_ns_;  // the ctime that goes with content_
    mutable std::atomic<bool> read_lately_{true};
    mutable std::atomic<bool> nowait_works_{true};

    static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
    mutable std::size_t place_ = kNowhere;  // in the ring; guarded by the OpenFiles' mutex
};

namespace {

// Reads until `size` bytes or the end; the count, or the errno of a failure.
std::expected<std::size_t, int> read_fully(int descriptor, std::uint64_t offset, char* into, std::size_t size, int flags) {
    std::size_t done = 0;
    while (done < size) {
        const iovec piece{.iov_base = into + done, .iov_len = size - done};
        const ssize_t count = ::preadv2(descriptor, &piece, 1, static_cast<off_t>(offset + done), flags);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(errno);
        if (count == 0) break;
        done += static_cast<std::size_t>(count);
    }
    return done;
}

// Memory file systems do not know RWF_NOWAIT (before Linux 6.6), and never wait for a disk.
bool lives_in_memory(int descriptor) {
    constexpr long kTmpfs = 0x01021994, kRamfs = static_cast<long>(0x858458f6);
    struct statfs facts{};
    return ::fstatfs(descriptor, &facts) == 0 && (facts.f_type == kTmpfs || facts.f_type == kRamfs);
}

}  // namespace

FolderFile::Standing FolderFile::standing(const FileVersion& now) const {
    const bool same_file = now.device == version_.device && now.inode == version_.inode;
    if (!same_file || now.size != version_.size || now.modified_ns != version_.modified_ns) return Standing::Changed;
    if (now.changed_ns == accepted_changed_ns_.load(std::memory_order_relaxed)) return Standing::Same;
    // A name of it went away, the usual end of a file that a deploy replaces.
    if (now.links < version_.links) return Standing::Same;
    return Standing::Touched;
}

FolderFile::Standing FolderFile::standing_of(int descriptor) const {
    const auto now = version_of(descriptor);
    return now ? standing(*now) : Standing::Broken;
}

// For a change of ctime alone. The ctime is accepted only when it is the same before and after the content was read.
bool FolderFile::still_this_content(int descriptor) const {
    const std::lock_guard lock(verifying_);  // one reader hashes, the others wait for its verdict
    if (standing_of(descriptor) == Standing::Same) return true;
    const auto before = version_of(descriptor);
    if (!before) return false;
    Sha256Stream hash;
    std::vector<char> buffer(256 << 10);
    for (std::uint64_t offset = 0; offset < version_.size;) {
        const auto count = read_fully(descriptor, offset, buffer.data(), within(offset, buffer.size()), 0);
        if (!count || *count == 0) return false;
        hash.update({buffer.data(), *count});
        offset += *count;
    }
    const auto after = version_of(descriptor);
    if (!after || *after != *before || hash.finish() != content_) return false;
    accepted_changed_ns_.store(after->changed_ns, std::memory_order_relaxed);
    return true;
}

FolderFile::Shared FolderFile::held() const {
    const std::lock_guard lock(mutex_);
    return descriptor_;
}

FolderFile::Shared FolderFile::adopt(FileDescriptor descriptor) const {
    auto mine = std::make_shared<const FileDescriptor>(std::move(descriptor));
    {
        const std::lock_guard lock(mutex_);
        if (descriptor_) return descriptor_;  // another reader was quicker
        descriptor_ = mine;
    }
    open_files_->opened(*this);
    return mine;
}

std::variant<FolderFile::Shared, OpenFile::Failure> FolderFile::reopen() const {
    auto found = folder_->look(path_);
    if (!found) return Failure::Broken;
    if (found->kind != Found::Kind::File || standing(found->version) == Standing::Changed) return Failure::Changed;
    return adopt(std::move(found->descriptor));
}

std::variant<std::size_t, OpenFile::Failure> FolderFile::read_now(std::uint64_t offset, char* into, std::size_t size) const {
    const Shared file = held();
    if (!file) return Failure::WouldBlock;
    read_lately_.store(true, std::memory_order_relaxed);
    const std::size_t wanted = within(offset, size);
    int flags = nowait_works_.load(std::memory_order_relaxed) ? RWF_NOWAIT : 0;
    if (flags == 0 && !lives_in_memory(file->number())) return Failure::WouldBlock;
    auto count = read_fully(file->number(), offset, into, wanted, flags);
    if (!count && count.error() == EOPNOTSUPP) {
        nowait_works_.store(false, std::memory_order_relaxed);
        return read_now(offset, into, size);
    }
    if (!count) return count.error() == EAGAIN ? Failure::WouldBlock : Failure::Broken;
    switch (standing_of(file->number())) {
        case Standing::Same:
            break;
        case Standing::Touched:
            return Failure::WouldBlock;  // read_blocking finds out
        case Standing::Changed:
            return Failure::Changed;
        case Standing::Broken:
            return Failure::Broken;
    }
    if (*count != wanted) return Failure::Changed;
    return *count;
}

std::variant<std::size_t, OpenFile::Failure> FolderFile::read_blocking(std::uint64_t offset, char* into, std::size_t size) const {
    Shared file = held();
    if (!file) {
        auto again = reopen();
        if (const auto* failure = std::get_if<Failure>(&again)) return *failure;
        file = std::get<Shared>(std::move(again));
    }
    read_lately_.store(true, std::memory_order_relaxed);
    const std::size_t wanted = within(offset, size);
    const auto count = read_fully(file->number(), offset, into, wanted, 0);
    if (!count) return Failure::Broken;
    switch (standing_of(file->number())) {
        case Standing::Same:
            break;
        case Standing::Touched:
            if (!still_this_content(file->number())) return Failure::Changed;
            break;
        case Standing::Changed:
            return Failure::Changed;
        case Standing::Broken:
            return Failure::Broken;
    }
    if (*count != wanted) return Failure::Changed;
    return *count;
}

std::size_t OpenFiles::sensible_bound() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 64;
    return static_cast<std::size_t>(std::clamp<rlim_t>(limit.rlim_cur / 8, 16, 8192));
}

std::size_t OpenFiles::count() const {
    const std::lock_guard lock(mutex_);
    return ring_.size();
}

void OpenFiles::opened(const FolderFile& file) {
    const std::lock_guard lock(mutex_);
    if (file.place_ != FolderFile::kNowhere) return;
    while (!ring_.empty() && ring_.size() >= most_) close_one();
    file.place_ = ring_.size();
    ring_.push_back(&file);
}

void OpenFiles::gone(const FolderFile& file) {
    const std::lock_guard lock(mutex_);
    if (file.place_ == FolderFile::kNowhere) return;
    ring_[file.place_] = ring_.back();
    ring_[file.place_]->place_ = file.place_;
    ring_.pop_back();
    file.place_ = FolderFile::kNowhere;
}

// The clock: a file that was read since the hand last passed is spared once.
void OpenFiles::close_one() {
    for (;;) {
        hand_ = hand_ < ring_.size() ? hand_ : 0;
        const FolderFile& file = *ring_[hand_];
        if (file.read_lately_.exchange(false, std::memory_order_relaxed)) {
            ++hand_;
            continue;
        }
        {
            const std::lock_guard lock(file.mutex_);
            file.descriptor_.reset();
        }
        ring_[hand_] = ring_.back();
        ring_[hand_]->place_ = hand_;
        ring_.pop_back();
        file.place_ = FolderFile::kNowhere;
        return;
    }
}

http::OpenFilePtr open_folder_file(std::shared_ptr<const Folder> folder, std::string path, Found found, const Sha256& content,
                                   std::shared_ptr<OpenFiles> open_files) {
    return std::make_shared<const FolderFile>(std::move(folder), std::move(path), std::move(found), content,
                                              std::move(open_files));
}

}  // namespace selvage::origins
