#include "server/origins/folder.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace selvage::origins {
namespace {

constexpr std::size_t kLongestPath = 4096;  // PATH_MAX: the kernel refuses longer ones

// O_NONBLOCK: a fifo must not hold us up before fstat has told that it is one. O_NOCTTY: a terminal must not become ours.
constexpr int kFileFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
constexpr int kDirectoryFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;

constexpr std::uint64_t kPlain = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
constexpr std::uint64_t kLinksWithin = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
constexpr std::uint64_t kLinksAnywhere = RESOLVE_NO_MAGICLINKS;

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

std::expected<FileDescriptor, int> opened(long number) {
    if (number < 0) return std::unexpected(errno);
    return FileDescriptor(static_cast<int>(number));
}

std::expected<FileDescriptor, int> openat2(int folder, const std::string& relative, int flags, std::uint64_t resolve) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags);
    how.resolve = resolve;
    // EAGAIN: something was renamed while ".." of a link was resolved, and beneath could not be proved. Sixteen in a row is an
    // attack.
    for (int attempt = 0;; ++attempt) {
        auto file = opened(::syscall(SYS_openat2, folder, relative.c_str(), &how, sizeof how));
        if (file || (file.error() != EAGAIN && file.error() != EINTR) || attempt == 16) return file;
    }
}

bool means_absent(int error) {
    switch (error) {
        case ENOENT:
        case ENOTDIR:
        case EACCES:
        case EPERM:
        case ELOOP:  // a circle, or a link where none is allowed
        case EXDEV:  // leads out of the root
        case ENAMETOOLONG:
        case ENXIO:  // a socket, or a device without a driver
        case ENODEV:
        case EINVAL:
        case EISDIR:
        case EOVERFLOW:
        case EAGAIN:
            return true;
        default:
            return false;
    }
}

Error failure(int error, std::string_view path) {
    const bool exhausted = error == EMFILE || error == ENFILE || error == ENOMEM;
    return Error{.kind = exhausted ? ErrorKind::Overloaded : ErrorKind::Internal,
                 .code = {},
                 .detail = std::string(path) + ": " + std::strerror(error),
                 .param = {},
                 .allowed = {}};
}

}  // namespace

Result<FileVersion> version_of(int descriptor) {
    struct stat facts{};
    if (::fstat(descriptor, &facts) != 0) return std::unexpected(failure(errno, "fstat"));
    return FileVersion{.device = facts.st_dev,
                       .inode = facts.st_ino,
                       .size = static_cast<std::uint64_t>(facts.st_size),
                       .modified_ns = nanoseconds(facts.st_mtim),
                       .changed_ns = nanoseconds(facts.st_ctim),
                       .links = facts.st_nlink};
}

bool may_be_served(std::string_view path) {
    if (!path.starts_with('/') || path.size() >= kLongestPath) return false;
    if (path.find('\0') != std::string_view::npos) return false;
    if (path.find("%2F") != std::string_view::npos || path.find("%2f") != std::string_view::npos) return false;
    std::string_view rest = path.substr(1);
    if (rest.starts_with(".well-known/")) rest.remove_prefix(std::string_view(".well-known/").size());  // RFC 8615
    while (!rest.empty()) {
        const std::size_t slash = rest.find('/');
        const std::string_view segment = rest.substr(0, slash);
        if (segment.empty() || segment.front() == '.') return false;
        if (slash == std::string_view::npos) break;
        rest.remove_prefix(slash + 1);
    }
    return true;
}

Result<std::shared_ptr<const Folder>> Folder::open(std::string root, FolderOptions options) {
    auto descriptor = opened(::open(root.c_str(), kDirectoryFlags));
    if (!descriptor) {
        const bool absent = means_absent(descriptor.error());
        auto error = failure(descriptor.error(), root);
        return fail(absent ? ErrorKind::NotFound : error.kind, std::move(error.detail));
    }
    const FileVersion version = TRY(version_of(descriptor->number()));
    return std::shared_ptr<const Folder>(new Folder(std::move(root), options, *std::move(descriptor), version));
}

Folder::Folder(std::string root, FolderOptions options, FileDescriptor descriptor, FileVersion version)
    : root_(std::move(root)),
      options_(options),
      descriptor_(std::move(descriptor)),
      version_(version),
      openat2_works_(options.use_openat2) {}

Folder::~Folder() = default;

bool Folder::still_current() const {
    struct stat facts{};
    if (::stat(root_.c_str(), &facts) != 0) return true;
    return facts.st_dev == version_.device && facts.st_ino == version_.inode;
}

Result<Found> Folder::look(std::string_view path) const {
    Found found;
    if (!may_be_served(path)) return found;
    const bool wants_directory = path.ends_with('/');
    std::string relative(path.substr(1, path.size() - (wants_directory && path.size() > 1 ? 2 : 1)));
    if (relative.empty()) relative = ".";

    auto descriptor = open_beneath(relative, wants_directory ? kDirectoryFlags : kFileFlags, found.through_link);
    if (!descriptor) {
        if (means_absent(descriptor.error())) return found;
        return std::unexpected(failure(descriptor.error(), path));
    }
    struct stat facts{};
    if (::fstat(descriptor->number(), &facts) != 0) return std::unexpected(failure(errno, path));
    if (!S_ISREG(facts.st_mode) && !S_ISDIR(facts.st_mode)) return found;
    found.kind = S_ISREG(facts.st_mode) ? Found::Kind::File : Found::Kind::Directory;
    found.version = TRY(version_of(descriptor->number()));
    found.descriptor = *std::move(descriptor);
    return found;
}

Folder::Opened Folder::open_beneath(const std::string& relative, int flags, bool& through_link) const {
    if (!openat2_works_.load(std::memory_order_relaxed)) return open_by_walking(relative, flags, through_link);
    auto plain = openat2(descriptor_.number(), relative, flags, kPlain);
    if (plain) return plain;
    if (plain.error() == ENOSYS || plain.error() == EPERM) {
        // A kernel before 5.6, or a seccomp filter that does not know the call. EPERM may also be the file's own, and walking
        // says so too.
        if (plain.error() == ENOSYS) openat2_works_.store(false, std::memory_order_relaxed);
        return open_by_walking(relative, flags, through_link);
    }
    if (plain.error() != ELOOP) return plain;
    through_link = true;
    return openat2(descriptor_.number(), relative, flags, options_.follow_symlinks ? kLinksAnywhere : kLinksWithin);
}

// Without openat2 nothing proves that a link stays within the root: links are refused, or followed wherever they lead.
Folder::Opened Folder::open_by_walking(const std::string& relative, int flags, bool& through_link) const {
    if (options_.follow_symlinks) {
        through_link = true;  // perhaps
        return opened(::openat(descriptor_.number(), relative.c_str(), flags));
    }
    FileDescriptor holder;
    int folder = descriptor_.number();
    std::size_t begin = 0;
    for (std::size_t slash = relative.find('/'); slash != std::string::npos; slash = relative.find('/', begin)) {
        auto next = opened(::openat(folder, relative.substr(begin, slash - begin).c_str(), kDirectoryFlags | O_NOFOLLOW));
        if (!next) return next;
        holder = *std::move(next);
        folder = holder.number();
        begin = slash + 1;
    }
    return opened(::openat(folder, relative.c_str() + begin, flags | O_NOFOLLOW));
}

}  // namespace selvage::origins
