#include "disk_usage.h"

#include <fts.h>
#include <sys/stat.h>

#include <algorithm>

namespace selvage::bench {

std::uint64_t disk_usage(const std::string& folder) {
    std::string root = folder;
    char* roots[] = {root.data(), nullptr};
    std::uint64_t bytes = 0;
    FTS* tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, nullptr);
    if (tree == nullptr) return 0;
    while (const FTSENT* entry = fts_read(tree)) {
        if (entry->fts_info == FTS_F) bytes += static_cast<std::uint64_t>(entry->fts_statp->st_blocks) * 512;
    }
    fts_close(tree);
    return bytes;
}

DiskWatch::DiskWatch(std::string folder) : folder_(std::move(folder)) {
    thread_ = std::thread([this] {
        while (!stopping_.load(std::memory_order_relaxed)) {
            seen_.most = std::max(seen_.most, disk_usage(folder_));
            ++seen_.times;
        }
    });
}

DiskWatch::Seen DiskWatch::stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return seen_;
}

}  // namespace selvage::bench
