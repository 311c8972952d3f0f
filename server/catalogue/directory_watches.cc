#include "server/catalogue/directory_watches.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "server/catalogue/tree_watches.h"

namespace selvage::catalogue {
namespace {

constexpr std::uint32_t kAppears = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::uint32_t kSelf = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;
constexpr std::uint32_t kEvents =
    kAppears | IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;

Happening happening_of(std::uint32_t mask) {
    if ((mask & (IN_CREATE | IN_MODIFY)) != 0) return Happening::Begun;
    if ((mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) return Happening::Finished;
    return (mask & (IN_DELETE | IN_MOVED_FROM)) != 0 ? Happening::Gone : Happening::Other;
}

bool same_inode(const origins::FileVersion& left, const origins::FileVersion& right) {
    return left.device == right.device && left.inode == right.inode;
}

}  // namespace

DirectoryWatches::DirectoryWatches(Listener& listener, Log& log, bool enabled) : listener_(listener), log_(log) {
    if (!enabled) return;
    inotify_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify_) log_.warn("catalogue", "no inotify ({}): files are checked every half second instead", std::strerror(errno));
}

bool DirectoryWatches::cover(const std::shared_ptr<const origins::Folder>& folder, std::string_view path) {
    if (!inotify_) return false;
    for (std::size_t slash = 0; slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
        switch (cover_directory(folder, std::string(path.substr(0, slash + 1)))) {
            case Step::Watched:
                break;
            case Step::Missing:
                return true;  // its parent will tell when it appears
            case Step::Unwatchable:
                return false;
        }
    }
    return true;
}

DirectoryWatches::Step DirectoryWatches::cover_directory(const std::shared_ptr<const origins::Folder>& folder,
                                                         const std::string& directory) {
    {
        const std::lock_guard lock(mutex_);
        if (nodes_.contains(directory)) return Step::Watched;
    }
    const auto found = folder->look(directory);
    if (!found || found->through_link) return Step::Unwatchable;
    if (found->kind == origins::Found::Kind::Absent) return Step::Missing;
    if (!tells_changes(found->descriptor.number())) return Step::Unwatchable;
    if (!add(folder, directory, found->descriptor.number())) return Step::Unwatchable;

    // The directory may have been replaced between our opening it and watching it, and its parent have told so before there was a
    // node to drop. From here on the node is there to be dropped, so one more look is enough.
    const auto again = folder->look(directory);
    if (again && again->kind == origins::Found::Kind::Directory && same_inode(again->version, found->version))
        return Step::Watched;
    const std::lock_guard lock(mutex_);
    drop_below(directory);
    listener_.changed_below(directory);  // another thread may have relied on it meanwhile
    return Step::Unwatchable;
}

bool DirectoryWatches::add(const std::shared_ptr<const origins::Folder>& folder, const std::string& directory, int descriptor) {
    const std::lock_guard lock(mutex_);  // across both steps: an event of a new watch must find its node
    if (folder_ != folder) return false;
    // Through the descriptor, as a path might by now lead elsewhere.
    const std::string self = "/proc/self/fd/" + std::to_string(descriptor);
    const int watch = ::inotify_add_watch(inotify_.number(), self.c_str(), kEvents);
    if (watch < 0) {
        if (!complained_.exchange(true)) {
            log_.warn("catalogue",
                      "cannot watch {}{}: {}; such folders are checked every half second (fs.inotify.max_user_watches)",
                      folder->root(), directory, std::strerror(errno));
        }
        return false;
    }
    if (const auto old = nodes_.find(directory); old != nodes_.end() && old->second != watch) drop(old);
    nodes_.insert_or_assign(directory, watch);
    auto& names = directories_[watch];
    if (std::ranges::find(names, directory) == names.end()) names.push_back(directory);
    return true;
}

void DirectoryWatches::restart(std::shared_ptr<const origins::Folder> folder) {
    const std::lock_guard lock(mutex_);
    drop_all();
    folder_ = std::move(folder);
}

std::uint64_t DirectoryWatches::count() const {
    const std::lock_guard lock(mutex_);
    return directories_.size();
}

void DirectoryWatches::drain() {
    if (!inotify_) return;
    alignas(inotify_event) std::array<char, 64 << 10> buffer;
    // A bounded share of a loop's time; what is left makes the descriptor readable again.
    for (int round = 0; round < 16; ++round) {
        const ssize_t size = ::read(inotify_.number(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return;
        for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(size);) {
            inotify_event event;
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const char* name = buffer.data() + at + sizeof event;
            handle(event.wd, event.mask, {name, event.len == 0 ? 0 : ::strnlen(name, event.len)});
            at += sizeof event + event.len;
        }
    }
}

void DirectoryWatches::handle(int watch, std::uint32_t mask, std::string_view name) {
    const std::lock_guard lock(mutex_);
    if ((mask & IN_Q_OVERFLOW) != 0) {
        overflows_.fetch_add(1, std::memory_order_relaxed);
        drop_all();
        listener_.changed_anything();
        return;
    }
    const auto found = directories_.find(watch);
    if (found == directories_.end()) return;
    const std::vector<std::string> directories = found->second;  // a copy: dropping changes the original
    for (const std::string& directory : directories) {
        if ((mask & kSelf) != 0) {
            drop_below(directory);
            listener_.changed_below(directory);
        } else if (!name.empty()) {
            const std::string path = directory + std::string(name);
            listener_.changed(path, happening_of(mask));
            if ((mask & (kAppears | IN_ISDIR)) == 0) continue;
            drop_below(path + "/");
            listener_.changed_below(path + "/");
        }
    }
}

void DirectoryWatches::drop_below(std::string_view directory) {
    auto node = nodes_.lower_bound(directory);
    while (node != nodes_.end() && node->first.starts_with(directory)) drop(node++);
}

void DirectoryWatches::drop(std::map<std::string, int, std::less<>>::iterator node) {
    const auto names = directories_.find(node->second);
    if (names != directories_.end()) {
        std::erase(names->second, node->first);
        if (names->second.empty()) {
            ::inotify_rm_watch(inotify_.number(), node->second);  // fails when the directory is gone, and the watch with it
            directories_.erase(names);
        }
    }
    nodes_.erase(node);
}

void DirectoryWatches::drop_all() {
    while (!nodes_.empty()) drop(nodes_.begin());
}

}  // namespace selvage::catalogue
