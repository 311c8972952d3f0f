#include "server/catalogue/tree_watches.h"

#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace selvage::catalogue {
namespace {

constexpr std::uint32_t kEvents = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF |
                                  IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;

}  // namespace

bool tells_changes(int descriptor) {
    constexpr auto kSilent = std::to_array<std::uint32_t>(
        {0x6969 /* nfs */, 0x517b /* smb */, 0xff534d42 /* cifs */, 0xfe534d42 /* smb2 */, 0x65735546 /* fuse, virtiofs */,
         0x01021997 /* 9p */, 0x5346414f /* afs */, 0x00c36400 /* ceph */, 0x0bd00bd0 /* lustre */, 0x01161970 /* gfs2 */,
         0x7461636f /* ocfs2 */, 0x4d44 /* fat */, 0x2011bab0 /* exfat */, 0x5346544e /* ntfs */, 0x786f4256 /* vboxsf */});
    struct statfs facts{};
    if (::fstatfs(descriptor, &facts) != 0) return false;
    return std::ranges::find(kSilent, static_cast<std::uint32_t>(facts.f_type)) == kSilent.end();
}

TreeWatches::TreeWatches(std::size_t most) : most_(most), inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

bool TreeWatches::add(std::size_t tree, const std::string& directory, int opened) {
    if (!inotify_ || !tells_changes(opened)) return false;
    const Name name{tree, directory};
    const auto known = names_.find(name);
    if (known == names_.end() && names_.size() >= most_) return false;
    // Through the descriptor, as the path might by now lead elsewhere.
    const std::string self = "/proc/self/fd/" + std::to_string(opened);
    const int watch = ::inotify_add_watch(inotify_.number(), self.c_str(), kEvents);
    if (known != names_.end() && known->second != watch) remove(known);
    if (watch < 0) return false;
    names_.insert_or_assign(name, watch);
    auto& names = watches_[watch];
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    return true;
}

void TreeWatches::remove_below(std::size_t tree, std::string_view directory) {
    auto name = names_.lower_bound({tree, std::string(directory)});
    while (name != names_.end() && name->first.first == tree && name->first.second.starts_with(directory)) remove(name++);
}

void TreeWatches::remove(std::map<Name, int>::iterator name) {
    if (const auto watch = watches_.find(name->second); watch != watches_.end()) {
        std::erase(watch->second, name->first);
        if (watch->second.empty()) {
            ::inotify_rm_watch(inotify_.number(), name->second);  // fails when the directory is gone, and the watch with it
            watches_.erase(watch);
        }
    }
    names_.erase(name);
}

void TreeWatches::drain(const std::function<void(std::size_t, const std::string&)>& changed, const std::function<void()>& lost) {
    if (!inotify_) return;
    alignas(inotify_event) std::array<char, 64 << 10> buffer;
    for (;;) {
        const ssize_t size = ::read(inotify_.number(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return;
        for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(size);) {
            inotify_event event;
            std::memcpy(&event, buffer.data() + at, sizeof event);
            at += sizeof event + event.len;
            if ((event.mask & IN_Q_OVERFLOW) != 0) lost();
            const auto watch = watches_.find(event.wd);
            if (watch == watches_.end()) continue;
            for (const auto& [tree, directory] : watch->second) changed(tree, directory);
            // The kernel has ended this watch; the number may come back.
            if ((event.mask & IN_IGNORED) == 0) continue;
            for (const Name& name : watch->second) names_.erase(name);
            watches_.erase(watch);
        }
    }
}

}  // namespace selvage::catalogue
