#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file_descriptor.h"
#include "base/log.h"
#include "server/origins/folder.h"

namespace selvage::catalogue {

// What happened to a name, as far as it tells whether its file is being written.
enum class Happening : std::uint8_t {
    Begun,     // made, or written to
    Finished,  // closed by who wrote, or renamed to this name
    Gone,      // removed, or renamed to another
    Other,
};

// Tells what changed below a folder, by inotify: one watch per directory that has been asked about. Thread-safe.
class DirectoryWatches {
public:
    class Listener {
    public:
        virtual ~Listener() = default;
        virtual void changed(const std::string& path, Happening happening) = 0;  // this name
        virtual void changed_below(const std::string& folder) = 0;  // with its final slash: perhaps everything below it
        virtual void changed_anything() = 0;                        // events were lost
    };

    // `enabled` false: watches nothing. `listener` and `log` must outlive it; the listener is called within drain().
    DirectoryWatches(Listener& listener, Log& log, bool enabled);
    DirectoryWatches(const DirectoryWatches&) = delete;
    DirectoryWatches& operator=(const DirectoryWatches&) = delete;

    int descriptor() const { return inotify_.number(); }  // -1: none

    // Makes sure that every existing directory on the way to `path` is watched. True: whatever happens to `path` from now on will
    // be told. False: it may not be (a link on the way, a file system that does not tell, no watches left). Blocks (opens
    // directories). Call it before looking at the path.
    bool cover(const std::shared_ptr<const origins::Folder>& folder, std::string_view path);

    // Reads what is there, without blocking, and tells the listener.
    void drain();

    // Forgets all watches; from now on only `folder` may be covered.
    void restart(std::shared_ptr<const origins::Folder> folder);

    std::uint64_t count() const;
    std::uint64_t overflows() const { return overflows_.load(std::memory_order_relaxed); }

private:
    enum class Step : std::uint8_t { Watched, Missing, Unwatchable };
    Step cover_directory(const std::shared_ptr<const origins::Folder>& folder, const std::string& directory);
    bool add(const std::shared_ptr<const origins::Folder>& folder, const std::string& directory, int descriptor);
    void drop_below(std::string_view directory);  // mutex_ held
    void drop(std::map<std::string, int, std::less<>>::iterator node);
    void drop_all();
    void handle(int watch, std::uint32_t mask, std::string_view name);

    Listener& listener_;
    Log& log_;
    FileDescriptor inotify_;
    std::atomic<bool> complained_{false};
    std::atomic<std::uint64_t> overflows_{0};

    mutable std::mutex mutex_;
    std::shared_ptr<const origins::Folder> folder_;
    std::map<std::string, int, std::less<>> nodes_;                  // "/", "/a/" → watch
    std::unordered_map<int, std::vector<std::string>> directories_;  // watch → nodes; several only while a rename is being told
};

}  // namespace selvage::catalogue
